package dev.perdure.faults.fault;

import dev.perdure.faults.world.World;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.random.RandomGenerator;

/** A stream of {@code pg_terminate_backend} for sessions of the workers, the leader's own among them. */
public final class EndSessions implements Fault {

    @Override
    public String name() {
        return "end-sessions";
    }

    @Override
    public boolean strike(World world, RandomGenerator random) throws SQLException, InterruptedException {
        int rounds = 5 + random.nextInt(20);
        try (Connection connection = world.server().connect("postgres");
                Statement statement = connection.createStatement()) {
            for (int i = 0; i < rounds; i++) {
                statement
                        .executeQuery("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                                + " WHERE application_name LIKE 'perdure%' AND random() < 0.1")
                        .close();
                Pause.millis(random, 10, 200);
            }
        }
        return true;
    }
}
