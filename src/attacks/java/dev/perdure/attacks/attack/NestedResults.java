package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** A6. */
public final class NestedResults implements Attack {

    @Override
    public String name() {
        return "nested-results";
    }

    @Override
    public String does() {
        return "has conditions read results of the largest size that are nothing but nested objects, which are forty times as large when they are"
                + " taken apart";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int times = attackers.size(4, 20);
        String nested = "repeat(''{\"\":'', 1000) || ''0'' || repeat(''}'', 1000)";
        attackers.start(
                times,
                "'SELECT (''['' || repeat(" + nested + " || '','', 260) || ''0]'')::json AS a, 1 AS x FROM generate_series(1, 12)'"
                        + " ?> 'SELECT 1' !> 'SELECT 2'");
        attackers.start(times, "'SELECT i AS n FROM generate_series(1, 900000) AS i' |=> 'r' ~> 'SELECT $r.n'");
        return 2 * times + " instances";
    }
}
