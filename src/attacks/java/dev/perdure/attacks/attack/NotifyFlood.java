package dev.perdure.attacks.attack;

import dev.perdure.attacks.Attack;
import dev.perdure.attacks.stage.Attackers;
import java.sql.SQLException;
import java.util.List;

/** P1. */
public final class NotifyFlood implements Attack {

    @Override
    public String name() {
        return "notify-flood";
    }

    @Override
    public String does() {
        return "a role without any right on df floods all channels with NOTIFY, the worker's own too";
    }

    @Override
    public String carryOut(Attackers attackers) throws SQLException {
        String channel = attackers.value("SELECT channel FROM df._wake");
        int times = attackers.size(8, 60);
        for (String to : List.of("perdure_wake", channel)) {
            for (int i = 0; i < times; i++) {
                attackers.execute(
                        Attackers.NOBODY,
                        "SELECT count(pg_notify('" + to
                                + "', repeat('x', 6000) || i::text)) FROM generate_series(1, 3000) i");
            }
        }
        return 2 * times * 18 + " MB of notifications";
    }
}
