package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.Connection;
import java.sql.SQLException;

/** E1, A2. What timers, failures, signals, answers and ends of its own instances have to write is locked. */
public final class LockedRows implements Attack {

    @Override
    public String name() {
        return "locked-rows";
    }

    @Override
    public String does() {
        return "keeps the rows of its own instances locked in a transaction that stays open";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int times = attackers.size(30, 300);
        attackers.start(times, "df.sleep(1)");
        attackers.start(times, "df.sleep(1) ~> 'SELECT 1/0'");
        attackers.start(times, "df.wait_for_signal('go', 1)");
        attackers.start(times, "df.sleep(1) ~> df.http('" + attackers.service("/fine") + "')");
        Connection session = attackers.session(Attackers.EVIL);
        Attackers.execute(session, "BEGIN");
        Attackers.execute(session, "SELECT FROM df.instances FOR UPDATE");
        return 4 * times + " instances with locked rows";
    }
}
