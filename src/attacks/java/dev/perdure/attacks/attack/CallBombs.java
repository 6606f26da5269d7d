package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** Each level doubles what the level above has started, down to the depth that is allowed. */
public final class CallBombs implements Attack {

    @Override
    public String name() {
        return "call-bombs";
    }

    @Override
    public String does() {
        return "calls a definition that calls itself twice, and one that calls thousands";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {

        attackers.execute("SELECT df.define('bomb', df.sleep(0))");
        attackers.execute("SELECT df.define('bomb', df.call('bomb') & df.call('bomb'))");
        attackers.execute("SELECT df.define('leaf', 'SELECT 1 / 0')");
        attackers.start(1, "df.call('bomb')");
        int calls = attackers.size(3000, 20_000);
        attackers.start(1, "df.map('SELECT g AS n FROM generate_series(1, " + calls + ") AS g', df.call('leaf'),"
                + " max_concurrent => 10000, on_failure => 'continue')");
        attackers.await("SELECT count(*) > 2000 FROM df.instances");
        return "a tree that doubles with each level, and " + calls + " calls of one";

    }
}
