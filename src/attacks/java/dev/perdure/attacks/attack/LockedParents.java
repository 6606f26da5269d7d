package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.Connection;
import java.sql.SQLException;

/** The end of a child is a signal to its parent, which refers to the row of the parent. */
public final class LockedParents implements Attack {

    @Override
    public String name() {
        return "locked-parents";
    }

    @Override
    public String does() {
        return "keeps instances locked whose children end meanwhile";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {

        int times = attackers.size(300, 2000);
        attackers.execute("SELECT df.define('short', df.sleep(4))");
        attackers.start(times, "df.call('short')");
        attackers.await("SELECT count(*) >= " + times + " FROM df.instances WHERE parent_id IS NOT NULL AND status = 'running'");
        Connection session = attackers.session(Attackers.EVIL);
        Attackers.execute(session, "BEGIN");
        Attackers.execute(session, "SELECT FROM df.instances WHERE parent_id IS NULL FOR UPDATE");
        return times + " parents whose rows are locked";

    }
}
