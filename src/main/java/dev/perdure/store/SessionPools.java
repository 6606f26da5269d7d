package dev.perdure.store;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Idle sessions of submitters, by role and database. How many may be in use is not decided here but by the queue of
 * steps. Thread-safe.
 */
public final class SessionPools implements AutoCloseable {

    /**
     * Whose sessions: a role by oid, since a name can be dropped and made again.
     *
     * @param database null for the database that holds schema df
     */
    public record Key(long roleOid, @Nullable String database) {}

    /**
     * What the pools have to know.
     *
     * @param server the server that the leader's own session met, see {@link ServerIdentity}
     */
    public record Settings(
            DatabaseUrl worker,
            SubmitterLogin login,
            ServerIdentity server,
            long lockTimeoutMillis,
            long maxAgeNanos,
            long idleTimeoutNanos,
            long maxResultSize,
            int connectTimeoutSeconds) {}

    private final Settings settings;
    private final Map<Key, Deque<StepSession>> idle = new HashMap<>();
    private final Receipts receipts;
    private boolean closed;

    public SessionPools(Settings settings) {
        this.settings = settings;
        this.receipts = new Receipts(this, settings.server().databaseOid());
    }

    /** Proofs of steps in other databases. */
    public Receipts receipts() {
        return receipts;
    }

    /** An idle session of the role, or a new one. */
    public StepSession borrow(Key key, String role) throws SQLException {
        List<StepSession> expired = new ArrayList<>();
        StepSession found = null;
        synchronized (idle) {
            Deque<StepSession> sessions = idle.get(key);
            long now = System.nanoTime();
            while (sessions != null && found == null && !sessions.isEmpty()) {
                // The most recently used first: the others can grow old.
                StepSession session = sessions.pop();
                if (session.ageNanos(now) > settings.maxAgeNanos()) {
                    expired.add(session);
                } else {
                    found = session;
                }
            }
        }
        expired.forEach(StepSession::close);
        return found != null ? found : open(key, role);
    }

    /** Takes a session back: reset and kept, or closed. */
    public void giveBack(Key key, StepSession session) {
        if (!session.reset()) {
            session.close();
            return;
        }
        synchronized (idle) {
            if (!closed) {
                idle.computeIfAbsent(key, k -> new ArrayDeque<>()).push(session);
                return;
            }
        }
        session.close();
    }

    /** The name of the database that sessions of the key are in. */
    public String database(Key key) {
        return key.database() == null ? settings.worker().database() : key.database();
    }

    /** Closes what has been idle for too long. */
    public void closeExpired() {
        List<StepSession> expired = new ArrayList<>();
        synchronized (idle) {
            long now = System.nanoTime();
            for (Iterator<Deque<StepSession>> all = idle.values().iterator(); all.hasNext(); ) {
                Deque<StepSession> sessions = all.next();
                sessions.removeIf(session -> {
                    boolean old = session.idleNanos(now) > settings.idleTimeoutNanos()
                            || session.ageNanos(now) > settings.maxAgeNanos();
                    if (old) {
                        expired.add(session);
                    }
                    return old;
                });
                if (sessions.isEmpty()) {
                    all.remove();
                }
            }
        }
        expired.forEach(StepSession::close);
    }

    /** Idle sessions at this moment. */
    public int idleCount() {
        synchronized (idle) {
            return idle.values().stream().mapToInt(Deque::size).sum();
        }
    }

    private StepSession open(Key key, String role) throws SQLException {
        DatabaseUrl url = settings.login().loginAs(settings.worker(), role);
        if (key.database() != null) {
            url = url.withDatabase(key.database());
        }
        // In the startup packet: a role's defaults do not beat it, and RESET ALL returns to it (architecture 4).
        Map<String, String> pinned = new LinkedHashMap<>();
        pinned.put("standard_conforming_strings", "on");
        pinned.put("IntervalStyle", "postgres");
        pinned.put("bytea_output", "hex");
        pinned.put("extra_float_digits", "1");
        pinned.put("idle_in_transaction_session_timeout", "60s");
        // A session waits in the pool; how long is decided here.
        pinned.put("idle_session_timeout", "0");
        pinned.put("df.in_workflow", "true");
        Connection connection = url.withSettings(pinned)
                .connect(Map.of(
                        "ApplicationName", "perdure-step",
                        "assumeMinServerVersion", "14",
                        "binaryTransfer", "false",
                        "prepareThreshold", "0",
                        "connectTimeout", Integer.toString(settings.connectTimeoutSeconds()),
                        "loginTimeout", Integer.toString(settings.connectTimeoutSeconds()),
                        "tcpKeepAlive", "true",
                        "maxResultBuffer", Long.toString(Math.max(1, settings.maxResultSize()))));
        try {
            checkServer(connection, key.database());
            return new StepSession(connection, settings.lockTimeoutMillis());
        } catch (SQLException | RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    /** A step must never run on another server than the one whose tables its checkpoint is decided from. */
    private void checkServer(Connection connection, @Nullable String database) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(ServerIdentity.SQL)) {
            row.next();
            ServerIdentity found = new ServerIdentity(row.getString(1), row.getString(2), row.getString(3));
            boolean same = database == null ? found.equals(settings.server()) : found.sameServer(settings.server());
            if (!same) {
                throw new SQLException(
                        "this session reached another server (%s) than the worker's own (%s)"
                                .formatted(found, settings.server()),
                        "08006");
            }
        }
    }

    @Override
    public void close() {
        List<StepSession> all = new ArrayList<>();
        synchronized (idle) {
            closed = true;
            idle.values().forEach(all::addAll);
            idle.clear();
        }
        all.forEach(StepSession::close);
    }
}
