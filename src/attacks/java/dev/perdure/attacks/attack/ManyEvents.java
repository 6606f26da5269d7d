package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** Who waits for an event is woken by one row, however many they are. */
public final class ManyEvents implements Attack {

    @Override
    public String name() {
        return "many-events";
    }

    @Override
    public String does() {
        return "has many instances wait for one large event of an instance that publishes without end";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int waiters = attackers.size(500, 10_000);
        String publisher = attackers.value(
                "SELECT df.start(df.loop('SELECT df.publish(''other'', to_jsonb(n)) FROM generate_series(1, 500) AS n' ~>"
                        + " (df.wait_for_signal('go', 1) |=> 's') ~> df.\"if\"('SELECT $s.timed_out', 'SELECT 1',"
                        + " 'SELECT df.publish(''big'', to_jsonb(repeat(''x'', 100000)))'), 'SELECT true', every => '0'))");
        attackers.value("SELECT count(*) FROM df.start_many(df.wait_for_event('" + publisher
                + "', 'big', 120), 'SELECT n FROM generate_series(1, " + waiters + ") AS n')");
        attackers.await("SELECT count(*) >= " + waiters / 2 + " FROM df.instances WHERE status = 'running'");
        attackers.value("SELECT df.signal('" + publisher + "', 'go')");
        attackers.await("SELECT df.event('" + publisher + "', 'big') IS NOT NULL");
        return waiters + " instances that one event of 100 kB wakes, beside 500 others a second";
    }
}
