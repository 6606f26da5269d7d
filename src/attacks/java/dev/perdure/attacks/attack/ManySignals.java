package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** A6. */
public final class ManySignals implements Attack {

    @Override
    public String name() {
        return "many-signals";
    }

    @Override
    public String does() {
        return "sends one instance many signals of the largest size, and keeps them under names";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int times = attackers.size(200, 2000);
        attackers.execute("DO $$ DECLARE w text := 'SELECT 1'; BEGIN FOR i IN 1..100 LOOP"
                + " w := w ~> (df.wait_for_signal('go') |=> ('s' || i)); END LOOP;"
                + " PERFORM df.start(w ~> df.wait_for_signal('never')); END $$");
        attackers.start(1, "df.loop(df.wait_for_signal('go'))");
        attackers.await("SELECT count(*) >= 2 FROM df.nodes WHERE node_type = 'SIGNAL' AND status = 'running'");
        attackers.execute("SELECT count(df.signal(i.id, 'go', to_jsonb(repeat('x', 1000000))::text)) FROM df.instances i,"
                + " generate_series(1, " + times / 2 + ") WHERE i.status IN ('pending', 'running')");
        return times + " signals of 1 MB to two instances";
    }
}
