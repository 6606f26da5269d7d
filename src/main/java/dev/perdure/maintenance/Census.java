package dev.perdure.maintenance;

import jakarta.inject.Singleton;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.Map;

/** How many instances there are, as the leader counted last. Nothing is counted when somebody asks. Thread-safe. */
@Singleton
public class Census {

    /**
     * One count.
     *
     * @param instances by status, all five
     * @param waitingTimers nodes that sleep or wait until a time
     * @param oldestPendingSeconds how long the oldest pending instance has waited; 0 when there is none
     */
    public record Counts(Map<String, Long> instances, long waitingTimers, double oldestPendingSeconds) {}

    private static final Counts NOTHING =
            new Counts(Map.of("pending", 0L, "running", 0L, "completed", 0L, "failed", 0L, "cancelled", 0L), 0, 0);

    private volatile Counts counts = NOTHING;

    /** The last count; zeros on a worker that does not lead, so that the sum over all workers is right. */
    public Counts counts() {
        return counts;
    }

    void take(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT * FROM df._census()")) {
            row.next();
            Map<String, Long> instances = new LinkedHashMap<>();
            for (String status : NOTHING.instances().keySet()) {
                instances.put(status, row.getLong(status));
            }
            counts = new Counts(instances, row.getLong("waiting_timers"), row.getDouble("oldest_pending_seconds"));
        }
    }

    void forget() {
        counts = NOTHING;
    }
}
