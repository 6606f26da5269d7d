package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** A6. */
public final class AnswersThatGrow implements Attack {

    @Override
    public String name() {
        return "answers-that-grow";
    }

    @Override
    public String does() {
        return "requests answers of the largest size, which are six times as large when they are stored";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int times = attackers.size(20, 200);
        attackers.start(times, "df.http('" + attackers.service("/escaped") + "') |=> 'a' ~> 'SELECT length($a.body)'");
        attackers.start(
                Attackers.submitter(1), times, "df.http('" + attackers.service("/escaped") + "') ~> df.sleep(3600)");
        return 2 * times + " requests";
    }
}
