package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** A11. */
public final class SlowStatements implements Attack {

    private static final int ROLES = 40;

    @Override
    public String name() {
        return "slow-statements";
    }

    @Override
    public String does() {
        return "forty roles run statements that take an hour";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        for (int i = 0; i < ROLES; i++) {
            attackers.start(Attackers.submitter(i), 5, "'SELECT pg_sleep(3600)'");
        }
        attackers.await("SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = current_user"
                + " AND wait_event = 'PgSleep'");
        return ROLES * 5 + " statements of " + ROLES + " roles";
    }
}
