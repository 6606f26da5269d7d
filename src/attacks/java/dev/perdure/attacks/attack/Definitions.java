package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** A6. */
public final class Definitions implements Attack {

    @Override
    public String name() {
        return "definitions";
    }

    @Override
    public String does() {
        return "starts workflows of the largest size: sixty nodes of a megabyte each";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int times = attackers.size(3, 20);
        attackers.execute("DO $$ DECLARE w text := 'SELECT 1'; BEGIN FOR i IN 1..60 LOOP"
                + " w := w ~> ('SELECT pg_sleep(0.2) /*' || repeat('x', 1000000) || '*/'); END LOOP;"
                + " FOR i IN 1.." + times + " LOOP PERFORM df.start(w); END LOOP; END $$");
        // Smaller ones, of which several fit, and of another role.
        attackers.execute(
                Attackers.submitter(1),
                "DO $$ DECLARE w text := 'SELECT 1'; BEGIN FOR i IN 1..5 LOOP"
                        + " w := w ~> ('SELECT pg_sleep(0.2) /*' || repeat('x', 1000000) || '*/'); END LOOP;"
                        + " FOR i IN 1.." + 4 * times + " LOOP PERFORM df.start(w); END LOOP; END $$");
        return times + " instances of 60 MB, " + 4 * times + " of 5 MB";
    }
}
