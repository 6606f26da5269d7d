package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.Connection;
import java.sql.SQLException;

/** What is due together is decided together. */
public final class ManySchedules implements Attack {

    @Override
    public int holds() {
        return 2;
    }

    @Override
    public String name() {
        return "many-schedules";
    }

    @Override
    public String does() {
        return "has hundreds of schedules due in the same minute, whose runs are locked or very many";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {

        int schedules = attackers.size(300, 2000);
        attackers.execute("SELECT df.create_schedule('locked ' || g, '* * * * *', df.sleep(3600), overlap => 'cancel_other')"
                + " FROM generate_series(1, " + schedules + ") AS g");
        attackers.execute("SELECT count(df.trigger_schedule('locked ' || g)) FROM generate_series(1, " + schedules + ") AS g");
        attackers.execute("SELECT df.create_schedule('many ' || g, '* * * * *', df.sleep(3600), overlap => 'cancel_other')"
                + " FROM generate_series(1, 5) AS g");
        attackers.execute("SELECT df.backfill_schedule('many ' || g, now() - interval '" + attackers.size(3000, 20_000)
                + " minutes', now()) FROM generate_series(1, 5) AS g");
        attackers.execute("SELECT df.create_schedule('plain ' || g, '* * * * *', 'SELECT 1', overlap => 'allow')"
                + " FROM generate_series(1, " + schedules + ") AS g");
        Connection session = attackers.session(Attackers.EVIL);
        Attackers.execute(session, "BEGIN");
        Attackers.execute(session, "SELECT FROM df.instances WHERE label LIKE 'locked%' FOR UPDATE");
        attackers.await("SELECT extract(second FROM clock_timestamp()) BETWEEN 57 AND 59");
        return (2 * schedules + 5) + " schedules that are due in the same second, 5 of them with thousands of runs to cancel";

    }
}
