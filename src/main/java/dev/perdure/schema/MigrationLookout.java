package dev.perdure.schema;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.LockHolder;
import dev.perdure.database.LogText;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Looks from a session of its own for the lock that a migration waits for, and names its holder. A worker that was stopped in the middle of
 * a migration keeps its sessions open, and their locks: they are ended.
 */
final class MigrationLookout implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(MigrationLookout.class);
    private static final long INTERVAL_MILLIS = 500;

    /** All sessions of one migration have one name, which no other one has; that of its lookout shows that it lives. */
    private static final String BLOCKERS =
            """
            SELECT DISTINCT %s AS holder, h.application_name AS migration,
                   h.usename = current_user AND h.application_name LIKE 'perdure migration %%' AND NOT EXISTS (
                       SELECT FROM pg_catalog.pg_stat_activity o
                       WHERE o.datname = current_database() AND o.usename = current_user
                         AND o.application_name = h.application_name
                         AND greatest(o.state_change, o.backend_start) > clock_timestamp() - ? * interval '1 ms') AS is_dead
            FROM pg_catalog.pg_stat_activity s
            JOIN pg_catalog.pg_locks w ON w.pid = s.pid AND NOT w.granted
            JOIN pg_catalog.pg_locks l ON l.granted
                 AND (l.pid = ANY (pg_catalog.pg_blocking_pids(s.pid)) OR l.pid IS NULL)
                 AND (l.locktype, l.database, l.relation, l.transactionid, l.virtualxid, l.classid, l.objid, l.objsubid)
                     IS NOT DISTINCT FROM
                     (w.locktype, w.database, w.relation, w.transactionid, w.virtualxid, w.classid, w.objid, w.objsubid)
            LEFT JOIN pg_catalog.pg_stat_activity h ON h.pid = l.pid
            WHERE s.datname = current_database() AND s.usename = current_user AND s.application_name = ?
              AND s.wait_event_type = 'Lock' AND h.application_name IS DISTINCT FROM s.application_name
            """
                    .formatted(LockHolder.DESCRIPTION);

    private static final String END =
            """
            SELECT count(pg_catalog.pg_terminate_backend(a.pid)) FROM pg_catalog.pg_stat_activity a
            WHERE a.datname = current_database() AND a.usename = current_user AND a.application_name = ?
            """;

    private final Connection session;
    private final String name;
    private final Consumer<String> waiting;
    private final Duration silence;
    private final CountDownLatch over = new CountDownLatch(1);
    private final Thread thread = new Thread(this::run, "perdure migration lookout");
    private volatile @Nullable String holder;

    /**
     * Looks until it is closed.
     *
     * @param url whose {@code application_name} is that of all sessions of the migration
     * @param silence for how long another migration may not have been seen to live before its sessions are ended
     * @param waiting told in words what is waited for, when that changes; on a thread of its own
     */
    MigrationLookout(DatabaseUrl url, String name, Consumer<String> waiting, Duration silence) throws SQLException {
        this.session = url.connect();
        this.silence = silence;
        this.name = name;
        this.waiting = waiting;
        thread.setDaemon(true);
        thread.start();
    }

    /** The session that held the lock that the migration waited for last; null when it has not waited. */
    @Nullable String holder() {
        return holder;
    }

    private void run() {
        try {
            do {
                look();
            } while (!over.await(INTERVAL_MILLIS, TimeUnit.MILLISECONDS));
        } catch (SQLException e) {
            LOG.warnf("Who blocks the migration cannot be seen: %s", LogText.of(String.valueOf(e.getMessage())));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void look() throws SQLException {
        try (PreparedStatement statement = session.prepareStatement(BLOCKERS)) {
            statement.setDouble(1, silence.toMillis());
            statement.setString(2, name);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    found(LogText.of(rows.getString(1)));
                    if (rows.getBoolean(3)) {
                        endDead(rows.getString(2));
                    }
                }
            }
        }
    }

    private void found(String who) {
        if (!who.equals(holder)) {
            holder = who;
            waiting.accept("To migrate the schema df, a lock is needed that is held by " + who);
        }
    }

    private void endDead(String migration) throws SQLException {
        LOG.warnf(
                "A worker that migrates the schema df has stopped in the middle of it; its sessions are ended: %s",
                migration);
        try (PreparedStatement statement = session.prepareStatement(END)) {
            statement.setString(1, migration);
            statement.execute();
        }
    }

    @Override
    public void close() throws SQLException {
        over.countDown();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        session.close();
    }
}
