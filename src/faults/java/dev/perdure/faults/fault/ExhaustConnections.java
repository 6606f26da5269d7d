package dev.perdure.faults.fault;

import dev.perdure.faults.world.World;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/** Takes every connection that the server has left, and ends the workers' idle ones, so that they need new ones. */
public final class ExhaustConnections implements Fault {

    private static final int MORE_THAN_THERE_ARE = 400;

    @Override
    public String name() {
        return "exhaust-connections";
    }

    @Override
    public boolean strike(World world, RandomGenerator random) throws SQLException, InterruptedException {
        List<Connection> taken = new ArrayList<>();
        boolean exhausted = false;
        try (Connection superuser = world.server().connect("postgres")) {
            for (int round = 0; round < 3; round++) {
                exhausted |= take(world, taken);
                try (var statement = superuser.createStatement()) {
                    statement
                            .executeQuery("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                                    + " WHERE application_name LIKE 'perdure%' AND random() < 0.3")
                            .close();
                }
                Pause.millis(random, 50, 1000);
            }
        } finally {
            for (Connection connection : taken) {
                connection.close();
            }
        }
        return exhausted;
    }

    private static boolean take(World world, List<Connection> taken) throws SQLException {
        for (int i = 0; i < MORE_THAN_THERE_ARE; i++) {
            try {
                taken.add(world.server().connect("app"));
            } catch (SQLException e) {
                if ("53300".equals(e.getSQLState())) {
                    return true;
                }
                throw e;
            }
        }
        return false;
    }
}
