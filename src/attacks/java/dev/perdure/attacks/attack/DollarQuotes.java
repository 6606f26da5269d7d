package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** A14. */
public final class DollarQuotes implements Attack {

    @Override
    public String name() {
        return "dollar-quotes";
    }

    @Override
    public String does() {
        return "has results put into statements of a megabyte that nest dollar quotes, or open comments, as often as they can";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int times = attackers.size(5, 30);
        attackers.start(
                times,
                "'SELECT ''x'' AS x' |=> 'r' ~> ('do ' || (SELECT string_agg('$a' || n || '$', ' ') FROM generate_series(0, 1499) n)"
                        + " || repeat(' $r.x', 190000))");
        attackers.start(times, "'SELECT ''x'' AS x' |=> 'r' ~> ('SELECT ' || repeat('/*', 450000) || ' $r.x')");
        attackers.start(times, "'SELECT ''x'' AS x' |=> 'r' ~> ('SELECT ' || repeat('$', 900000) || ' $r.x')");
        return 3 * times + " instances";
    }
}
