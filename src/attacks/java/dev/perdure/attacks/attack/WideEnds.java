package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** The end of a map is that of all that waits in it, and one decision. */
public final class WideEnds implements Attack {

    @Override
    public String name() {
        return "wide-ends";
    }

    @Override
    public String does() {
        return "has maps of thousands of activities, calls and sections wait, and cancels all of them at once";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {

        int items = attackers.size(2000, 8000);
        attackers.execute("SELECT df.define('sleeper', df.sleep(3600))");
        attackers.execute("SELECT df.create_queue('closed'); SELECT df.pause_queue('closed')");
        String maps = "df.map('SELECT g AS n FROM generate_series(1, " + items + ") AS g', ";
        attackers.start(4, maps + "df.activity('nobody does it'), max_concurrent => 10000)");
        attackers.start(2, maps + "df.call('sleeper'), max_concurrent => 10000)");
        attackers.start(2, maps + "df.with_queue('SELECT 1', 'closed'), max_concurrent => 10000)");
        attackers.await("SELECT count(*) >= " + 2 * items + " FROM df.activities");
        attackers.execute("SELECT count(df.cancel(id)) FROM df.instances WHERE parent_id IS NULL"
                + " AND status IN ('pending', 'running')");
        return "8 maps of " + items + " items that wait, cancelled";

    }
}
