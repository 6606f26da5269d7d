package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** E3. */
public final class LargeSignals implements Attack {

    @Override
    public String name() {
        return "large-signals";
    }

    @Override
    public String does() {
        return "sends each of many instances that wait a signal of the largest size";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int times = attackers.size(150, 400);
        attackers.start(times, "df.wait_for_signal('go') ~> 'SELECT 1' ~> df.wait_for_signal('never')");
        attackers.await("SELECT count(*) = " + times + " FROM df.nodes WHERE node_type = 'SIGNAL' AND status = 'running'");
        attackers.execute("SELECT count(df.signal(id, 'go', to_jsonb(repeat('x', 1000000))::text)) FROM df.instances"
                + " WHERE status IN ('pending', 'running')");
        return times + " signals of 1 MB to as many instances";
    }
}
