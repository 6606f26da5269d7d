package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** More than there is time for. */
public final class ManyStarts implements Attack {

    @Override
    public String name() {
        return "many-starts";
    }

    @Override
    public String does() {
        return "starts thousands of instances at once, of each kind";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int times = attackers.size(1500, 10000);
        attackers.start(times, "'SELECT 1' ~> 'SELECT 2'");
        attackers.start(times, "'SELECT 1/0'");
        attackers.start(times, "df.sleep(2)");
        attackers.start(times, "df.wait_for_signal('go', 3)");
        attackers.execute("SELECT count(df.cancel(id)) FROM df.instances WHERE status IN ('pending', 'running')"
                + " AND id < '4'");
        return 4 * times + " instances, a quarter of them cancelled";
    }
}
