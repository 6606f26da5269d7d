package dev.perdure.store;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.OwnerSettings;
import dev.perdure.database.ServerIdentity;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Finds instances, and cancels them, by role and idempotency key, as the owner of schema df. An instance of another role is not found,
 * whatever its id. One session, used by one thread at a time and opened when it is needed. Thread-safe.
 */
public final class SubmittedInstances implements AutoCloseable {

    /** The key under which a role has started an instance. */
    public record Wanted(String key, String role) {}

    private static final String FROM =
            " FROM unnest(?::text[], ?::text[]) AS wanted(key, role) JOIN pg_catalog.pg_roles r ON r.rolname = wanted.role"
                    + " JOIN df.instances i ON i.submitted_by = r.oid::regrole AND i.idempotency_key = wanted.key";
    // What is cut here is cut again, to bytes, by who shows it; a result can be large.
    private static final String FIND = "SELECT i.idempotency_key, i.id, i.status, i.created_at, i.started_at,"
            + " i.completed_at, left(i.output, 8192), i.cancel_reason, n.ended, n.steps, df._maps_progress(i.id)" + FROM
            + " CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE n.status IN ('completed', 'failed')) AS ended,"
            + " count(*) AS steps FROM df.nodes n WHERE n.instance_id = i.id AND n.node_type IN"
            + " ('SQL', 'HTTP', 'HTTP_MULTIPART', 'SLEEP', 'WAIT_SCHEDULE', 'SIGNAL', 'BREAK')) AS n";
    private static final String CANCEL =
            "SELECT df.cancel(i.id, ?)" + FROM + " WHERE i.status IN ('pending', 'running')";

    private final DatabaseUrl url;
    private final ServerIdentity server;
    private volatile @Nullable Connection connection;
    private volatile boolean closed;

    /**
     * A reader without a session yet.
     *
     * @param url of the server that leadership was won on
     * @param server what the leader's session found there: another one behind the same address is refused
     */
    public SubmittedInstances(DatabaseUrl url, ServerIdentity server) {
        this.url = url.withParameter("application_name", "perdure kubernetes")
                .withSettings(OwnerSettings.with(Map.of("statement_timeout", "30s")));
        this.server = server;
    }

    /** The instance, when there is one. */
    public Optional<SubmittedInstance> find(Wanted wanted) throws SQLException {
        return find(List.of(wanted)).stream().findFirst();
    }

    /** The instances that exist, in no particular order. */
    public List<SubmittedInstance> find(List<Wanted> wanted) throws SQLException {
        return run(session -> {
            try (PreparedStatement statement = session.prepareStatement(FIND)) {
                bind(session, statement, 1, wanted);
                try (ResultSet rows = statement.executeQuery()) {
                    List<SubmittedInstance> found = new ArrayList<>();
                    while (rows.next()) {
                        found.add(read(rows));
                    }
                    return found;
                }
            }
        });
    }

    /** Cancels an instance that has not ended; does nothing to one that has. */
    public void cancel(Wanted wanted, String reason) throws SQLException {
        run(session -> {
            try (PreparedStatement statement = session.prepareStatement(CANCEL)) {
                statement.setString(1, reason);
                bind(session, statement, 2, List.of(wanted));
                return statement.execute();
            }
        });
    }

    private interface Work<T> {
        T with(Connection session) throws SQLException;
    }

    private synchronized <T> T run(Work<T> work) throws SQLException {
        if (closed) {
            throw new SQLException("this worker does not lead any more", "57P01");
        }
        Connection session = connection;
        if (session == null) {
            session = url.connect(Map.of("connectTimeout", "10", "socketTimeout", "60"));
            connection = session;
            try {
                server.require(session);
            } catch (SQLException e) {
                disconnect();
                throw e;
            }
            if (closed) {
                disconnect();
                throw new SQLException("this worker does not lead any more", "57P01");
            }
        }
        try {
            return work.with(session);
        } catch (SQLException e) {
            // The next one begins with a new session.
            disconnect();
            throw e;
        }
    }

    private static void bind(Connection session, PreparedStatement statement, int first, List<Wanted> wanted)
            throws SQLException {
        statement.setArray(
                first,
                session.createArrayOf("text", wanted.stream().map(Wanted::key).toArray()));
        statement.setArray(
                first + 1,
                session.createArrayOf("text", wanted.stream().map(Wanted::role).toArray()));
    }

    private static SubmittedInstance read(ResultSet row) throws SQLException {
        return new SubmittedInstance(
                row.getString(1),
                row.getString(2),
                row.getString(3),
                row.getObject(4, OffsetDateTime.class).toInstant(),
                instant(row, 5),
                instant(row, 6),
                row.getString(7),
                row.getString(8),
                row.getInt(9),
                row.getInt(10),
                row.getString(11));
    }

    private static @Nullable Instant instant(ResultSet row, int column) throws SQLException {
        OffsetDateTime value = row.getObject(column, OffsetDateTime.class);
        return value == null ? null : value.toInstant();
    }

    private void disconnect() {
        Connection session = connection;
        connection = null;
        if (session != null) {
            try {
                session.close();
            } catch (SQLException e) {
                // It is thrown away because it is broken.
                return;
            }
        }
    }

    /** Takes no more queries; a running one fails. Does not wait, so that a worker that no longer leads is not held up. */
    @Override
    public void close() {
        closed = true;
        Connection session = connection;
        if (session != null) {
            try {
                session.abort(Runnable::run);
            } catch (SQLException e) {
                // It is gone already, which is what was wanted.
                return;
            }
        }
    }
}
