package dev.perdure.maintenance;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.Map;

/** Number of instances by status, as the leader counted last. A read counts nothing. Thread-safe. */
public class Census {

    /**
     * One count.
     *
     * @param instances by status, all five
     * @param waitingTimers nodes that sleep or wait until a time
     * @param oldestPendingSeconds how long the oldest pending instance has waited; 0 when there is none
     * @param queues what waits and runs in queues
     * @param activities what programs and people are to decide
     * @param setAside instances that no worker works on, because workers ended with them
     */
    public record Counts(
            Map<String, Long> instances,
            long waitingTimers,
            double oldestPendingSeconds,
            Queues queues,
            Activities activities,
            long setAside) {}

    /**
     * All queues together; a dropped queue counts as long as something is in it.
     *
     * @param waiting instances without a slot
     * @param running slots that are taken
     * @param delayed instances whose time has not come
     * @param oldestSeconds how long the oldest of those that wait has waited
     */
    public record Queues(long waiting, long running, long delayed, double oldestSeconds) {}

    /**
     * Activities of all kinds together, and tasks.
     *
     * @param waiting nobody has claimed them
     * @param claimed somebody has
     * @param oldestSeconds how long the oldest of those that wait has waited
     * @param tasks approvals that are not decided
     * @param completed in the last minute
     * @param failed in the last minute
     */
    public record Activities(
            long waiting, long claimed, double oldestSeconds, long tasks, long completed, long failed) {}

    private static final Counts NOTHING = new Counts(
            Map.of("pending", 0L, "running", 0L, "completed", 0L, "failed", 0L, "cancelled", 0L),
            0,
            0,
            new Queues(0, 0, 0, 0),
            new Activities(0, 0, 0, 0, 0, 0),
            0);

    private volatile Counts counts = NOTHING;

    /** The last count; zeros on a worker that does not lead, so that the sum over all workers is right. */
    public Counts counts() {
        return counts;
    }

    /** Counts the instances that are set aside: a few, in a table that has few rows. */
    public static long setAside(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row =
                        statement.executeQuery("SELECT count(*) FROM df._tries WHERE set_aside_at IS NOT NULL")) {
            row.next();
            return row.getLong(1);
        }
    }

    void take(Connection connection) throws SQLException {
        long aside = setAside(connection);
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(
                        "SELECT * FROM df._census(), df._queue_census(), df._activity_census()")) {
            row.next();
            Map<String, Long> instances = new LinkedHashMap<>();
            for (String status : NOTHING.instances().keySet()) {
                instances.put(status, row.getLong(status));
            }
            counts = new Counts(
                    instances,
                    row.getLong("waiting_timers"),
                    row.getDouble("oldest_pending_seconds"),
                    new Queues(
                            row.getLong("waiting"),
                            row.getLong("holding"),
                            row.getLong("delayed"),
                            row.getDouble("oldest_waiting_seconds")),
                    new Activities(
                            row.getLong("activities_waiting"),
                            row.getLong("activities_claimed"),
                            row.getDouble("activities_oldest"),
                            row.getLong("tasks_open"),
                            row.getLong("activities_completed"),
                            row.getLong("activities_failed")),
                    aside);
        }
    }

    void forget() {
        counts = NOTHING;
    }
}
