package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** A redrive reads and writes all that is known of an instance, in the session of its user. */
public final class AgainAndAgain implements Attack {

    @Override
    public String name() {
        return "again-and-again";
    }

    @Override
    public String does() {
        return "lets instances that fail go on, and copies them, as fast as it can";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {

        int times = attackers.size(300, 2000);
        attackers.execute("CREATE TABLE IF NOT EXISTS failing (id varchar(8)); TRUNCATE failing");
        attackers.start(times, "'SELECT repeat(''x'', 10000) AS x' |=> 'a' ~> 'SELECT 1' ~> 'SELECT 1 / 0'");
        attackers.await("SELECT count(*) >= " + times + " FROM df.instances WHERE status = 'failed'");
        attackers.execute("INSERT INTO failing SELECT id FROM df.instances WHERE status = 'failed'");
        for (int i = 0; i < 2; i++) {
            attackers.repeat(Attackers.EVIL, "SELECT count(df.redrive(i.id)) FROM (SELECT i.id FROM failing f JOIN df.instances i USING (id)"
                    + " WHERE i.status = 'failed' ORDER BY random() LIMIT 50) AS i");
        }
        attackers.repeat(Attackers.EVIL, "SELECT count(df.fork(i.id)) FROM (SELECT i.id FROM failing f JOIN df.instances i USING (id)"
                + " WHERE i.status = 'failed' ORDER BY random() LIMIT 20) AS i");
        return times + " instances that fail, redriven and forked without end";

    }
}
