package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.Connection;
import java.sql.SQLException;

/** Programs of one role, and what they are given. */
public final class GreedyClaimers implements Attack {

    @Override
    public String name() {
        return "greedy-claimers";
    }

    @Override
    public String does() {
        return "asks for activities in tight loops, holds hundreds in a transaction that stays open, and has kinds without number";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {

        int kinds = attackers.size(1000, 10_000);
        attackers.start(kinds, "df.activity('kind ' || i)");
        attackers.start(40, "df.activity('large', '{\"x\": \"' || repeat('x', 990000) || '\"}')");
        attackers.start(kinds, "df.approval('Pay ' || i || '?', '{public}')");
        attackers.start(1, "df.map('SELECT g AS n FROM generate_series(1, " + kinds + ") AS g', df.activity('held'), max_concurrent => 10000)");
        attackers.await("SELECT count(*) >= 500 FROM df.activities WHERE kind = 'held'");
        Connection session = attackers.session(Attackers.EVIL);
        Attackers.execute(session, "BEGIN");
        Attackers.execute(session, "SELECT count(*) FROM df.claim_activities('held', 1000)");
        for (int i = 0; i < 6; i++) {
            attackers.repeat(Attackers.EVIL, "SELECT * FROM df.claim_activities('nothing', wait => '1 second')");
        }
        attackers.repeat(Attackers.EVIL, "SELECT * FROM df.claim_activities('nothing')");
        attackers.repeat(Attackers.EVIL, "SELECT count(df.extend_activity(token, '1 second')) FROM df.claim_activities('large', 5)");
        return kinds + " kinds, as many approvals, hundreds of claims that are held, and 8 sessions that claim";

    }
}
