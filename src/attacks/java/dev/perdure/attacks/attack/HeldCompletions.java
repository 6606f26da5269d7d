package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.Connection;
import java.sql.SQLException;

/** SET CONSTRAINTS brings forward what a COMMIT does: the end of an activity is there, and not committed. */
public final class HeldCompletions implements Attack {

    @Override
    public String name() {
        return "held-completions";
    }

    @Override
    public String does() {
        return "completes activities in a transaction that stays open, and cancels what they belong to";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {

        int times = attackers.size(300, 2000);
        int items = attackers.size(2000, 8000);
        attackers.start(times, "df.activity('own')");
        attackers.execute("SELECT df.grant_activity('granted', '" + Attackers.NOBODY + "')");
        attackers.start(1, "df.map('SELECT g AS n FROM generate_series(1, " + items + ") AS g', df.activity('granted'),"
                + " max_concurrent => 10000)");
        attackers.await("SELECT count(*) >= " + (times + items) + " FROM df.activities");
        Connection session = attackers.session(Attackers.EVIL);
        Attackers.execute(session, "BEGIN");
        Attackers.execute(session, "SET CONSTRAINTS ALL IMMEDIATE");
        for (int claimed = 0; claimed < times + items; claimed += 1000) {
            Attackers.execute(session, "SELECT count(df.complete_activity(token)) FROM df.claim_activities('own', 1000)");
            Attackers.execute(session, "SELECT count(df.complete_activity(token)) FROM df.claim_activities('granted', 1000)");
        }
        attackers.execute("SELECT count(df.cancel(id)) FROM df.instances WHERE status IN ('pending', 'running')");
        return (times + items) + " activities that are completed, not committed, and whose instances are cancelled";

    }
}
