package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** Of each key the first that waits is looked at, in vain. */
public final class FullQueues implements Attack {

    @Override
    public String name() {
        return "full-queues";
    }

    @Override
    public String does() {
        return "fills as many queues as it may have with keys of which each has its limit";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {

        int keys = attackers.size(200, 400);
        attackers.execute(Attackers.submitter(1), "SELECT df.create_queue('full ' || q, concurrency_per_key => 1)"
                + " FROM generate_series(1, 50) AS q");
        attackers.execute(Attackers.submitter(1), "SELECT count(df.start(df.sleep(3600), options => jsonb_build_object("
                + "'queue', 'full ' || q, 'key', 'key ' || k))) FROM generate_series(1, 50) AS q,"
                + " generate_series(1, " + keys + ") AS k, generate_series(1, 2)");
        return "50 queues, in each of which " + keys + " keys have one that runs and one that waits";

    }
}
