package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.Connection;
import java.sql.SQLException;

/** S1, A7, A15. */
public final class AdvisoryLocks implements Attack {

    @Override
    public String name() {
        return "advisory-locks";
    }

    @Override
    public String does() {
        return "a role without any right on df holds the advisory locks that workers are known to take";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        Connection session = attackers.session(Attackers.NOBODY);
        Attackers.execute(session, "SELECT pg_advisory_lock(8099005280688432384)");
        Attackers.execute(session, "SELECT pg_advisory_lock(x'7065726475726500'::bit(64)::bigint)");
        Attackers.execute(
                session,
                "SELECT pg_advisory_lock(objid) FROM (SELECT (classid::bigint << 32) | objid::bigint AS objid FROM pg_locks"
                        + " WHERE locktype = 'advisory' AND objsubid = 1 AND pid <> pg_backend_pid() OFFSET 0) x"
                        + " WHERE pg_try_advisory_lock(objid)");
        return "all of them";
    }

    @Override
    public boolean isAimedAtStarts() {
        return true;
    }
}
