package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** Items are read by pages and worked on one by one; together they are as large as their number says. */
public final class HugeItems implements Attack {

    @Override
    public String name() {
        return "huge-items";
    }

    @Override
    public String does() {
        return "has many maps work on items of the largest size, one at a time, in batches, and for programs";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {

        int maps = attackers.size(120, 400);
        attackers.start(maps, "df.map('SELECT g AS n, repeat(''x'', 1000000) AS x FROM generate_series(1, 3) AS g',"
                + " df.wait_for_signal('go', 3) ~> 'SELECT $item.n')");
        int batch = 15;
        attackers.start(3, "df.map('SELECT repeat(''x'', 1000000) AS x FROM generate_series(1, " + batch + ")',"
                + " 'SELECT count(*) FROM $item.*', batch_size => " + batch + ")");
        int assigned = attackers.size(200, 400);
        attackers.start(3, "df.map('SELECT g AS n, repeat(''x'', 1000000) AS x FROM generate_series(1, " + assigned
                + ") AS g', df.activity('nobody does this', '{\"n\": $item.n}'))");
        attackers.await("SELECT count(DISTINCT instance_id) >= 8 FROM df.map_items");
        return maps + " maps of 3 items of a megabyte each, 3 of a batch of " + batch + ", 3 of " + assigned
                + " that programs are to do";

    }
}
