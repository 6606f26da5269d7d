package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import dev.perdure.attacks.stage.Victim;
import java.sql.Connection;
import java.sql.SQLException;

/** Who claims may sit on it; who grants offers it to everybody; and who asks with tokens that are none gets nothing. */
public final class HeldActivities implements Attack {

    private static final int SESSIONS = 5;

    @Override
    public String name() {
        return "held-activities";
    }

    @Override
    public String does() {
        return "claims and completes activities in transactions that stay open, cancels their workflows, makes tokens up, and offers"
                + " work and tasks to everybody";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int times = attackers.size(300, 3000);
        attackers.execute("SELECT df.grant_activity('held', 'public'), df.grant_activity('" + Victim.KIND + "', 'public')");
        attackers.value("SELECT df.start(df.map('SELECT n FROM generate_series(1, " + 10 * times
                + ") n', df.activity('held', '{\"n\": $item.n}'), max_concurrent => 1000))");
        attackers.start(times, "df.activity('held', to_jsonb(repeat('x', 10000))::text)");
        attackers.start(times, "df.activity('" + Victim.KIND + "')");
        attackers.start(times, "df.approval('Who decides?', '{public}', to_jsonb(repeat('x', 10000))::text)");
        attackers.await("SELECT count(*) > 100 FROM df.activities WHERE kind = 'held'");
        for (int i = 0; i < SESSIONS; i++) {
            Connection claims = attackers.session(Attackers.submitter(i));
            Attackers.execute(claims, "BEGIN; SELECT count(*) FROM df.claim_activities('held', 100, '2 seconds')");
            Connection completes = attackers.session(Attackers.submitter(i));
            Attackers.execute(
                    completes,
                    "BEGIN; SELECT count(df.complete_activity(token)) FROM df.claim_activities('held', 100, '2 seconds')");
        }
        attackers.value("SELECT count(df.cancel(id)) FROM (SELECT i.id FROM df.instances i WHERE i.status IN ('pending', 'running')"
                + " AND left(i.id, 1) < '8') AS half");
        String madeUp =
                """
                DO $$ BEGIN
                    FOR i IN 1 .. %d LOOP
                        BEGIN
                            PERFORM df.complete_activity(concat(i, '.', md5(i::text)));
                            RAISE 'a made up token was taken';
                        EXCEPTION WHEN SQLSTATE 'DF004' THEN NULL;
                        END;
                    END LOOP;
                END $$"""
                        .formatted(times);
        attackers.execute(Attackers.submitter(SESSIONS), madeUp);
        return 2 * SESSIONS + " transactions that hold up to 100 activities each, " + 11 * times + " activities and " + times
                + " tasks for everybody, " + times + " made up tokens";
    }
}
