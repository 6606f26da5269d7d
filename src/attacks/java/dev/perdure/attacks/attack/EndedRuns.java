package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** Runs that have ended are marked as active until the leader has looked. */
public final class EndedRuns implements Attack {

    @Override
    public String name() {
        return "ended-runs";
    }

    @Override
    public String does() {
        return "backfills its schedules by the ten thousand, and cancels all runs";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int days = attackers.size(10, 35);
        attackers.execute(
                "SELECT count(df.create_schedule('runs ' || i, '* * * * *', 'SELECT 1', overlap => 'skip')) FROM generate_series(1, 3) AS i");
        for (int i = 1; i <= 3; i++) {
            attackers.execute("SELECT df.backfill_schedule('runs " + i + "', now() - interval '" + days + " days', now())");
            attackers.execute("SELECT df.cancel_many('{\"status\": \"pending\"}', most => 100000)");
        }
        attackers.afterwards("SELECT count(df.drop_schedule(name)) FROM df.schedules");
        return 3 * days * 1440 + " runs";
    }
}
