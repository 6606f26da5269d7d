package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.Connection;
import java.sql.SQLException;

/** That an activity is lost is a signal, which refers to the row of its instance. */
public final class LostLeases implements Attack {

    @Override
    public String name() {
        return "lost-leases";
    }

    @Override
    public String does() {
        return "keeps instances locked whose activities are lost";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {

        int times = attackers.size(700, 5000);
        attackers.start(times, "df.activity('lost', lease => '1 second', max_attempts => 1)");
        attackers.await("SELECT count(*) >= " + times + " FROM df.activities");
        for (int claimed = 0; claimed < times; claimed += 1000) {
            attackers.execute("SELECT count(*) FROM df.claim_activities('lost', 1000)");
        }
        Connection session = attackers.session(Attackers.EVIL);
        Attackers.execute(session, "BEGIN");
        Attackers.execute(session, "SELECT FROM df.instances FOR UPDATE");
        return times + " activities whose lease ends while their instance is locked";

    }
}
