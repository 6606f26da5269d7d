package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** A5. */
public final class VariablesMultiplied implements Attack {

    @Override
    public String name() {
        return "variables-multiplied";
    }

    @Override
    public String does() {
        return "puts a variable of a megabyte into one statement two thousand times";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int times = attackers.size(10, 50);
        String vars = "options => jsonb_build_object('vars', jsonb_build_object('v', repeat('x', 1000000)))";
        attackers.start(times, "'select length(''' || repeat('{v}', 2000) || ''')', " + vars);
        attackers.start(
                times, "df.http('" + attackers.service("/fine") + "', 'POST', repeat('{v}', 2000)), " + vars);
        attackers.start(times, "df.if('SELECT ' || repeat('{v}', 2000), 'SELECT 1', 'SELECT 2'), " + vars);
        attackers.execute("SELECT count(df.cancel(id)) FROM df.instances WHERE status IN ('pending', 'running')"
                + " AND id < '8'");
        return 3 * times + " instances of 2 GB each, some cancelled";
    }
}
