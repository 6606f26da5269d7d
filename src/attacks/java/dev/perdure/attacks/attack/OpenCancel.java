package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.Connection;
import java.sql.SQLException;

/** E1, P6. */
public final class OpenCancel implements Attack {

    @Override
    public String name() {
        return "open-cancel";
    }

    @Override
    public String does() {
        return "cancels its instances in a transaction that stays open";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int times = attackers.size(30, 300);
        attackers.start(times, "df.sleep(1)");
        attackers.start(times, "'SELECT pg_sleep(1)'");
        Connection session = attackers.session(Attackers.EVIL);
        Attackers.execute(session, "BEGIN");
        Attackers.execute(
                session, "SELECT count(df.cancel(id)) FROM df.instances WHERE status IN ('pending', 'running')");
        return 2 * times + " instances started and cancelled, not committed";
    }
}
