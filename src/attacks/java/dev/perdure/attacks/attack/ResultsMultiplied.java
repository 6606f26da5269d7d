package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** A5. */
public final class ResultsMultiplied implements Attack {

    @Override
    public String name() {
        return "results-multiplied";
    }

    @Override
    public String does() {
        return "puts a result of a megabyte into one statement two thousand times, and keeps large results under names";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int times = attackers.size(5, 50);
        attackers.start(
                times,
                "'SELECT repeat(''x'', 1000000) AS x' |=> 'r' ~> ('SELECT length(concat(' || repeat('$r.x, ', 2000) || ' ''''))')");
        attackers.start(
                times,
                "('SELECT repeat(''x'', 900000) AS x' |=> 'r') ~> df.http('" + attackers.service("/fine")
                        + "', 'POST', repeat('$r.x', 2000))");
        attackers.execute("DO $$ DECLARE w text := 'SELECT 1'; BEGIN FOR i IN 1..60 LOOP"
                + " w := w ~> ('SELECT repeat(''x'', 1000000) AS x' |=> ('r' || i)); END LOOP;"
                + " FOR i IN 1.." + times + " LOOP PERFORM df.start(w ~> df.sleep(3600)); END LOOP; END $$");
        return 3 * times + " instances";
    }
}
