package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** A11. */
public final class SlowRequests implements Attack {

    @Override
    public String name() {
        return "slow-requests";
    }

    @Override
    public String does() {
        return "several roles send more requests that are not answered than there are slots for";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int roles = attackers.size(4, 16);
        for (int i = 0; i < roles; i++) {
            attackers.start(Attackers.submitter(i), 100, "df.http('" + attackers.service("/slow") + "')");
        }
        attackers.await("SELECT count(*) > 0 FROM df.nodes WHERE node_type = 'HTTP' AND status = 'running'");
        return roles * 100 + " requests of " + roles + " roles";
    }
}
