package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** What one publishes is what the other waits for. */
public final class EchoingEvents implements Attack {

    @Override
    public String name() {
        return "echoing-events";
    }

    @Override
    public String does() {
        return "has pairs of loops that wake each other with events, without a pause";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {

        int pairs = attackers.size(100, 500);
        attackers.execute("CREATE TABLE IF NOT EXISTS pairs (a text, b text); TRUNCATE pairs");
        attackers.execute("INSERT INTO pairs SELECT df.start(df.wait_for_signal('partner') |=> 's' ~> df.loop('SELECT df.publish(''ping'', ''1'')'"
                + " ~> df.wait_for_event('$s.data.id', 'ping', 5), 'SELECT true', every => '0')), NULL FROM generate_series(1, " + pairs + ")");
        attackers.execute("UPDATE pairs SET b = df.start(df.loop('SELECT df.publish(''ping'', ''1'')'"
                + " ~> df.wait_for_event(a, 'ping', 5), 'SELECT true', every => '0'))");
        attackers.execute("SELECT count(df.signal(a, 'partner', jsonb_build_object('id', b))) FROM pairs");
        return pairs + " pairs of loops";

    }
}
