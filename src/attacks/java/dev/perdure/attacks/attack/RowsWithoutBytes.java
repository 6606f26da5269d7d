package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;

/** A6. */
public final class RowsWithoutBytes implements Attack {

    @Override
    public String name() {
        return "rows-without-bytes";
    }

    @Override
    public String does() {
        return "has steps return a hundred million rows of NULL, which have no bytes";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        int times = attackers.size(2, 20);
        attackers.start(times, "'SELECT NULL FROM generate_series(1, 100000000)'");
        attackers.start(times, "'SELECT FROM generate_series(1, 100000000)'");
        attackers.await("SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = current_user"
                + " AND application_name = 'perdure-step' AND state = 'active'");
        return 2 * times + " steps";
    }
}
