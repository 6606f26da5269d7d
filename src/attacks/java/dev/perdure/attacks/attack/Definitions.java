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
        return "starts workflows of dozens of nodes of a megabyte each";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int times = attackers.size(3, 20);
        int nodes = attackers.size(30, 60);
        attackers.execute(starts(nodes, times));
        // Smaller ones, of which several fit, and of another role.
        attackers.execute(Attackers.submitter(1), starts(5, 4 * times));
        return times + " instances of " + nodes + " MB, " + 4 * times + " of 5 MB";
    }

    /** Two by two: each operator reads all that it combines. */
    private static String starts(int nodes, int times) {
        return "DO $$ DECLARE w text[] := ARRAY(SELECT 'SELECT pg_sleep(0.2) /*' || repeat('x', 1000000) || '*/'"
                + " FROM generate_series(1, " + nodes + ")); BEGIN WHILE cardinality(w) > 1 LOOP"
                + " w := ARRAY(SELECT CASE WHEN w[i + 1] IS NULL THEN w[i] ELSE w[i] ~> w[i + 1] END"
                + " FROM generate_series(1, cardinality(w), 2) i); END LOOP;"
                + " FOR i IN 1.." + times + " LOOP PERFORM df.start(w[1]); END LOOP; END $$";
    }
}
