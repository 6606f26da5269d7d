package dev.perdure.maintenance;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Deletes instances that ended long ago, and the oldest ones beyond a number (specification 4.12), with all their rows. In short
 * transactions, so that nobody waits for it. Thread-safe.
 */
public class Retention {

    /**
     * The instances that are kept.
     *
     * @param days so long after its end an instance is deleted; 0: at the next run
     * @param keep of the instances that have ended, this many of the newest are kept at most
     * @param batch how many are deleted in one transaction
     */
    public record Limits(int days, int keep, int batch) {}

    private static final Logger LOG = Logger.getLogger(Retention.class);
    private static final Clock CLOCK = Clock.systemUTC();

    private final LongAdder deleted = new LongAdder();
    private volatile @Nullable Instant lastRun;

    /** Number of instances deleted since the process began. */
    public long deleted() {
        return deleted.sum();
    }

    /** Time of the last successful run; null before the first. */
    public @Nullable Instant lastRun() {
        return lastRun;
    }

    /**
     * Runs as long as there is something to delete.
     *
     * @param epoch of this worker's term; with SQLSTATE DF002 it is over
     * @return how many instances were deleted
     */
    long run(Connection connection, long epoch, Limits limits) throws SQLException {
        Instant began = CLOCK.instant();
        List<Bounds> all = bounds(connection, limits);
        long sum = 0;
        for (Bounds bounds : all) {
            long batch;
            do {
                batch = delete(connection, epoch, bounds, limits.batch());
                deleted.add(batch);
                sum += batch;
            } while (batch > 0);
        }
        deleteRuns(connection, epoch, Objects.requireNonNull(all.get(0).olderThan()), limits.batch());
        lastRun = CLOCK.instant();
        if (sum > 0) {
            LOG.infof(
                    "%d instances that had ended were deleted in %d ms",
                    sum, Duration.between(began, CLOCK.instant()).toMillis());
        }
        return sum;
    }

    /** The limits beyond which an instance of a role, or of all, is deleted, see {@code df._retention_limits}. */
    private record Bounds(
            @Nullable Long role,
            @Nullable OffsetDateTime olderThan,
            @Nullable OffsetDateTime tooManyAt,
            @Nullable String tooManyId) {}

    /** Finds the limits, once a run, since that reads all ended instances: first that of age, for all roles. */
    private static List<Bounds> bounds(Connection connection, Limits limits) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT * FROM df._retention_limits(?, ?)")) {
            statement.setInt(1, limits.days());
            statement.setInt(2, limits.keep());
            List<Bounds> all = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    all.add(new Bounds(
                            row.getObject(1, Long.class),
                            row.getObject(2, OffsetDateTime.class),
                            row.getObject(3, OffsetDateTime.class),
                            row.getString(4)));
                }
            }
            return all;
        }
    }

    /** Deletes the outcomes of planned times, which are kept as long as instances are. */
    private static void deleteRuns(Connection connection, long epoch, OffsetDateTime olderThan, int limit)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT df._delete_schedule_runs(?, ?, ?)")) {
            statement.setLong(1, epoch);
            statement.setObject(2, olderThan);
            statement.setInt(3, limit);
            long deleted;
            do {
                try (ResultSet row = statement.executeQuery()) {
                    row.next();
                    deleted = row.getLong(1);
                }
            } while (deleted > 0);
        }
    }

    private static long delete(Connection connection, long epoch, Bounds bounds, int limit) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT df._delete_ended(?, ?, ?, ?, ?, ?)")) {
            statement.setLong(1, epoch);
            statement.setObject(2, bounds.olderThan(), Types.TIMESTAMP_WITH_TIMEZONE);
            statement.setObject(3, bounds.tooManyAt(), Types.TIMESTAMP_WITH_TIMEZONE);
            statement.setString(4, bounds.tooManyId());
            statement.setInt(5, limit);
            statement.setObject(6, bounds.role(), Types.BIGINT);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        }
    }
}
