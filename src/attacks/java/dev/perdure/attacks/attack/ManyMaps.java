package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** Items of one role, of all sorts and as many as there are, some of which hold sessions. */
public final class ManyMaps implements Attack {

    @Override
    public String name() {
        return "many-maps";
    }

    @Override
    public String does() {
        return "runs forty maps at once, whose items fail or wait for one row, and lets them go on when they have failed";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {

        int items = attackers.size(5000, 100_000);
        attackers.execute("CREATE TABLE IF NOT EXISTS hot (n bigint); TRUNCATE hot; INSERT INTO hot VALUES (0)");
        String items1 = "df.map('SELECT g AS n FROM generate_series(1, " + items + ") AS g', ";
        attackers.start(10, items1 + "'SELECT 1 / ($item.n % 2)', max_concurrent => 10000, on_failure => 'continue')");
        attackers.start(10, items1 + "'UPDATE hot SET n = n + 1', max_concurrent => 10000)");
        attackers.start(10, items1 + "'SELECT 1' ~> df.sleep(0) ~> 'SELECT 2', max_concurrent => 10000)");
        attackers.start(10, items1 + "'SELECT 1 / ($item.n - 50)', max_concurrent => 1000)");
        attackers.repeat(
                Attackers.EVIL,
                "SELECT count(df.redrive(id)) FROM df.instances WHERE status = 'failed' AND output LIKE 'Item%' LIMIT 20");
        return "40 maps of " + items + " items, those that fail redriven";

    }
}
