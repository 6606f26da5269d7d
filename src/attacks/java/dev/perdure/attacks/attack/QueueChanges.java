package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.Connection;
import java.sql.SQLException;

/** A queue with keys without number, and sections that hold their slots for ever. */
public final class QueueChanges implements Attack {

    @Override
    public String name() {
        return "queue-changes";
    }

    @Override
    public String does() {
        return "has thousands wait in a queue whose limits change all the time, and changes another one in a transaction that stays open";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {

        int waiting = attackers.size(20_000, 100_000);
        String role = Attackers.submitter(2);
        attackers.execute(role, "SELECT df.create_queue('changes', concurrency => 1, rate => 10000, per => '1 hour'),"
                + " df.create_queue('open'), df.create_queue('held', concurrency => 1)");
        attackers.execute(role, "SELECT count(*) FROM df.start_many(df.sleep(3600), 'SELECT g AS k FROM generate_series(1, "
                + waiting + ") AS g', '{\"queue\": \"changes\", \"key\": \"{k}\"}')");
        attackers.execute(role, "SELECT count(df.start(df.with_queue(df.sleep(3600), 'held'))) FROM generate_series(1, 500)");
        attackers.execute(role, "SELECT count(df.start('SELECT 1', options => '{\"queue\": \"open\"}')) FROM generate_series(1, 500)");
        attackers.repeat(role, "SELECT df.alter_queue('changes', concurrency => 1 + (random() * 5)::int,"
                + " concurrency_per_key => 1 + (random() * 5)::int, rate => 5000 + (random() * 5000)::int)");
        Connection session = attackers.session(role);
        Attackers.execute(session, "BEGIN");
        Attackers.execute(session, "SELECT df.alter_queue('open', concurrency => 3)");
        return waiting + " that wait with a key each, 500 sections of which one holds the slot, and limits that change";

    }
}
