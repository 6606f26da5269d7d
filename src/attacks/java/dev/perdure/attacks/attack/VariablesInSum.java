package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** A6. */
public final class VariablesInSum implements Attack {

    @Override
    public String name() {
        return "variables-in-sum";
    }

    @Override
    public String does() {
        return "starts many instances with variables of a megabyte each";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int times = attackers.size(300, 1200);
        attackers.start(
                times,
                "'SELECT pg_sleep(1)' ~> df.wait_for_signal('never'),"
                        + " options => jsonb_build_object('vars', jsonb_build_object('v', repeat('x', 1000000)))");
        return times + " instances";
    }
}
