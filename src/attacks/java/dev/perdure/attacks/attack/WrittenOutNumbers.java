package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** A6. */
public final class WrittenOutNumbers implements Attack {

    @Override
    public String name() {
        return "written-out-numbers";
    }

    @Override
    public String does() {
        return "has steps return numbers of six characters that are written out with 131,072 digits";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int times = attackers.size(5, 30);
        attackers.start(times, "'SELECT ''1e131071''::json AS n FROM generate_series(1, 20000)'");
        attackers.start(times, "'SELECT json_agg(''1e131071''::json) AS n FROM generate_series(1, 20000)'");
        attackers.start(times, "'SELECT ''1e131071''::json AS n' |=> 'r' ~> ('SELECT ' || repeat('$r.n + ', 10000) || '0')");
        attackers.start(times, "'SELECT 1e131071::numeric AS n FROM generate_series(1, 2000)'");
        return 4 * times + " instances";
    }
}
