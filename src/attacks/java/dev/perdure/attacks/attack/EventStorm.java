package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** Events of one name times all that wait for it. */
public final class EventStorm implements Attack {

    @Override
    public String name() {
        return "event-storm";
    }

    @Override
    public String does() {
        return "publishes a thousand events of one name in one step, for thousands that wait for it";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int times = attackers.size(2_000, 10_000);
        String publisher = attackers.value(
                "SELECT df.start(df.wait_for_signal('go') ~> 'SELECT count(df.publish(''e'', ''1'')) FROM generate_series(1, 1000)')");
        attackers.start(times, "df.wait_for_event('" + publisher + "', 'e') ~> 'SELECT 1'");
        attackers.await("SELECT count(*) >= " + times + " FROM df.instances WHERE status = 'running'");
        attackers.execute("SELECT df.signal('" + publisher + "', 'go')");
        return times + " that wait for 1,000 events";
    }
}
