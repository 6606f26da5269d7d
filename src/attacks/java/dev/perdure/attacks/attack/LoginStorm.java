package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.Connection;
import java.sql.SQLException;

/** P5. */
public final class LoginStorm implements Attack {

    @Override
    public String name() {
        return "login-storm";
    }

    @Override
    public String does() {
        return "uses up the connections of its own role, with hundreds of its instances waiting for one";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        Connection session = attackers.session(Attackers.LIMITED);
        int times = attackers.size(200, 1000);
        Attackers.execute(session, "SELECT count(df.start('SELECT 1')) FROM generate_series(1, " + times + ")");
        return times + " instances of a role whose only connection is in use";
    }
}
