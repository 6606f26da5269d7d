package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** A6. */
public final class ErrorTexts implements Attack {

    @Override
    public String name() {
        return "error-texts";
    }

    @Override
    public String does() {
        return "has steps fail with a text of hundreds of megabytes";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int times = attackers.size(3, 10);
        attackers.start(times, "'DO $d$BEGIN RAISE ''%'', repeat(''x'', 300000000); END$d$'");
        attackers.start(
                times,
                "'DO $d$BEGIN RAISE ''a'' USING DETAIL = repeat(''x'', 100000000), HINT = repeat(''x'', 100000000); END$d$'");
        return 2 * times + " steps";
    }
}
