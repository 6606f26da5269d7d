package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** Undos are out of reach of a cancel, and are repeated without end. */
public final class EndlessUndos implements Attack {

    @Override
    public String name() {
        return "endless-undos";
    }

    @Override
    public String does() {
        return "has sagas whose undos fail again and again, all of them cancelled";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {

        int sagas = attackers.size(500, 3000);
        attackers.execute("CREATE TABLE IF NOT EXISTS undone (n int); TRUNCATE undone");
        attackers.afterwards("INSERT INTO undone VALUES (1)");
        attackers.start(sagas, "df.saga(df.with_undo('SELECT 1', 'SELECT 1 / count(*) FROM undone')"
                + " ~> df.with_undo('SELECT 2', df.retry('SELECT 1 / count(*) FROM undone', 1000000, '1 ms', max_delay => '1 ms'))"
                + " ~> df.sleep(3600))");
        attackers.await("SELECT count(*) >= " + sagas + " FROM df.instances WHERE status = 'running'");
        attackers.execute("SELECT count(df.cancel(id)) FROM df.instances WHERE status IN ('pending', 'running')");
        return sagas + " sagas with two undos that fail each, cancelled";

    }
}
