package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.Connection;
import java.sql.SQLException;

/** What is named first is what was committed first. */
public final class OneCommit implements Attack {

    @Override
    public String name() {
        return "one-commit";
    }

    @Override
    public String does() {
        return "starts tens of thousands of instances in one commit, leaves as many open, and cancels all in one commit";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int times = attackers.size(30_000, 150_000);
        String starts = "SELECT count(*) FROM df.start_many('SELECT {n}', 'SELECT generate_series(1, " + times
                + ") AS n')";
        Connection session = attackers.session(Attackers.EVIL);
        // In this order: of so many identifiers two may be the same, and one waits for a transaction that has it and is open.
        attackers.execute(starts);
        Attackers.execute(session, "BEGIN");
        Attackers.execute(session, starts);
        attackers.execute("SELECT count(df.cancel(id)) FROM df.instances WHERE status IN ('pending', 'running')");
        return times + " starts in one commit, cancelled in one, and " + times + " that are not committed";
    }
}
