package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** Each wait looks for its signal, which takes memory. */
public final class ManyWaits implements Attack {

    @Override
    public String name() {
        return "many-waits";
    }

    @Override
    public String does() {
        return "has thousands of small instances of three roles wait for signals";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int times = attackers.size(6_000, 20_000);
        for (int role = 0; role < 3; role++) {
            attackers.start(Attackers.submitter(role), times, "df.wait_for_signal('never')");
        }
        return 3 * times + " instances";
    }
}
