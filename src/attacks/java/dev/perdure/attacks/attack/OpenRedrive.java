package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.Connection;
import java.sql.SQLException;

/** Whoever redrives takes the next version of an instance, which the owner then meets. */
public final class OpenRedrive implements Attack {

    @Override
    public String name() {
        return "open-redrive";
    }

    @Override
    public String does() {
        return "cancels and redrives its instances in a transaction that stays open";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {

        int times = attackers.size(1000, 5000);
        attackers.start(times, "df.sleep(2) ~> df.sleep(1) ~> df.sleep(1) ~> df.sleep(3600)");
        attackers.await("SELECT count(*) >= " + times + " FROM df.instances WHERE status = 'running'");
        Connection session = attackers.session(Attackers.EVIL);
        Attackers.execute(session, "BEGIN");
        Attackers.execute(session, "SELECT count(df.cancel(id)) FROM df.instances WHERE status = 'running'");
        Attackers.execute(session, "SELECT count(df.redrive(id)) FROM df.instances WHERE status = 'cancelled' AND output IS NULL");
        return times + " instances whose next version is taken, not committed";

    }
}
