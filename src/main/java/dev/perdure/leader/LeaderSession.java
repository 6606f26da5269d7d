package dev.perdure.leader;

import dev.perdure.database.LockHolder;
import dev.perdure.database.OwnerSettings;
import dev.perdure.database.ReactiveSessions;
import dev.perdure.database.ServerIdentity;
import dev.perdure.store.AddressKey;
import dev.perdure.store.Term;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.pgclient.PgConnection;
import io.vertx.pgclient.PgException;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The connection that holds the leader's advisory lock. Blocking, for the election's thread; every call has a deadline,
 * after which the session counts as lost.
 */
final class LeaderSession implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(LeaderSession.class);
    private static final int POOLER_TRIES = 3;
    private static final int ROWS_RENUMBERED_AT_A_TIME = 20_000;
    /** PgBouncer's answer to BEGIN in statement mode. */
    private static final String PROTOCOL_VIOLATION = "08P01";

    /** Granted locks of key $1, and their sessions; a transaction that was prepared holds its locks without one. */
    private static final String HOLDERS =
            """
             FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
              AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND (l.classid::bigint << 32 | l.objid::bigint) = $1
            """;

    private final PgConnection connection;
    private final int host;
    private final Duration deadline;
    private int backend;
    private String name;
    private volatile boolean closed;
    /** Whether the database has the extension Citus, when it was asked last. */
    private boolean citus;
    /** The server that was written down. */
    private @Nullable ServerIdentity settled;

    private LeaderSession(PgConnection connection, int host, Duration deadline, String name) {
        this.name = name;
        this.connection = connection;
        this.host = host;
        this.deadline = deadline;
        connection.closeHandler(ignored -> closed = true);
    }

    /** Connects to the first of the servers that is no replica, or to one that is when no other answers. */
    static LeaderSession open(Vertx vertx, List<PgConnectOptions> servers, Duration deadline, String name)
            throws LeaderLostException {
        LeaderLostException failure = new LeaderLostException("no server is configured", null);
        LeaderSession replica = null;
        for (int i = 0; i < servers.size(); i++) {
            PgConnectOptions options = new PgConnectOptions(servers.get(i)).addProperty("application_name", name);
            try {
                LeaderSession session = new LeaderSession(connect(vertx, options, deadline), i, deadline, name);
                boolean isReplica;
                try {
                    session.refuseTransactionPooler(() -> connect(vertx, options, deadline));
                    isReplica = session.isReplica();
                } catch (LeaderLostException e) {
                    session.close();
                    throw e;
                }
                close(replica);
                if (!isReplica) {
                    return session;
                }
                replica = session;
            } catch (LeaderLostException e) {
                failure = e;
            }
        }
        if (replica == null) {
            throw failure;
        }
        return replica;
    }

    private static void close(@Nullable LeaderSession session) {
        if (session != null) {
            session.close();
        }
    }

    private static PgConnection connect(Vertx vertx, PgConnectOptions options, Duration deadline)
            throws LeaderLostException {
        Future<PgConnection> connecting = ReactiveSessions.connect(vertx, options, settings(deadline));
        try {
            return await(connecting, deadline);
        } catch (LeaderLostException e) {
            // It may arrive after all, and would then be kept for ever.
            connecting.onSuccess(PgConnection::close);
            throw e;
        }
    }

    private static Map<String, String> settings(Duration deadline) {
        return OwnerSettings.with(Map.of(
                "search_path", "pg_catalog",
                "lock_timeout", "0",
                "idle_in_transaction_session_timeout", "0",
                // A standby that is lost must not look like a leader that is. What a term depends on does not depend on
                // these rows.
                "synchronous_commit", "local",
                // The server notices by itself, and gives the lock free, when this machine has vanished.
                "tcp_keepalives_idle", "3",
                "tcp_keepalives_interval", "1",
                "tcp_keepalives_count", "3",
                "tcp_user_timeout", Long.toString(deadline.toMillis())));
    }

    private interface Connector {
        PgConnection connect() throws LeaderLostException;
    }

    /**
     * A pooler answers with a pid of its own, whatever its mode. In transaction mode the server's session, and the lock in it, is free
     * for others as soon as a transaction is over: a second connection gets it, or this one gets another.
     */
    private void refuseTransactionPooler(Connector connector) throws LeaderLostException {
        backend = backend(connection);
        if (backend == connection.processId()) {
            return;
        }
        PgConnection other = connector.connect();
        try {
            for (int i = 0; i < POOLER_TRIES; i++) {
                begin(other);
                boolean isShared = backend(other) == backend || backend(connection) != backend;
                await(other.query("ROLLBACK").execute(), deadline);
                if (isShared) {
                    throw sharedSession("transaction");
                }
            }
        } finally {
            other.close();
        }
    }

    private void begin(PgConnection other) throws LeaderLostException {
        try {
            await(other.query("BEGIN").execute(), deadline);
        } catch (LeaderLostException e) {
            // It says so and closes the connection, which may be all that is seen.
            boolean isRefused = PROTOCOL_VIOLATION.equals(e.sqlState())
                    || e.sqlState() == null && !(e.getCause() instanceof TimeoutException);
            throw isRefused ? sharedSession("statement") : e;
        }
    }

    private static LeaderLostException sharedSession(String mode) {
        return new LeaderLostException(
                "the connection goes through a pooler in " + mode
                        + " mode, which gives the session of one client to others"
                        + " in between; the worker needs pool_mode = session for its user and for submitters, or a"
                        + " direct connection (docs/pgbouncer.md)",
                null);
    }

    private int backend(PgConnection of) throws LeaderLostException {
        return await(of.query("SELECT pg_backend_pid()").execute(), deadline)
                .iterator()
                .next()
                .getInteger(0);
    }

    /** The number of this server among several, from 0. */
    int host() {
        return host;
    }

    boolean isReplica() throws LeaderLostException {
        return one("SELECT pg_is_in_recovery()").getBoolean(0);
    }

    ServerIdentity identity() throws LeaderLostException {
        Row row = one(ServerIdentity.SQL);
        return new ServerIdentity(row.getString(0), row.getString(1), row.getString(2));
    }

    long lockKey() throws LeaderLostException {
        return one("SELECT lock_key FROM df._epoch").getLong(0);
    }

    /** The reason why no worker can work with the database as Citus has changed it; null for none. */
    @Nullable String citusProblem() throws LeaderLostException {
        return one("SELECT df._citus_problem()").getString(0);
    }

    boolean tryLock(long key) throws LeaderLostException {
        return one("SELECT pg_try_advisory_lock($1)", Tuple.of(key)).getBoolean(0);
    }

    /** Waits for the lock; whether it was had in time. */
    boolean awaitLock(long key, Duration time) throws LeaderLostException {
        return one("SELECT df._await_lock($1, $2)", Tuple.of(key, (int) Math.max(1, time.toMillis())))
                .getBoolean(0);
    }

    /** The holder of the lock, in words; empty when there is none. */
    String holder(long key) throws LeaderLostException {
        RowSet<Row> rows = rows("SELECT " + LockHolder.DESCRIPTION + HOLDERS, Tuple.of(key));
        return rows.size() == 0 ? "" : rows.iterator().next().getString(0);
    }

    /**
     * Draws a new key when another role holds the lock, in a session or a prepared transaction: any role may take any advisory lock.
     *
     * @return whether a new key was drawn
     */
    boolean replaceKeyHeldByAnotherRole(long key) throws LeaderLostException {
        return rows(
                                "UPDATE df._epoch SET lock_key = "
                                        + "('x' || left(md5(gen_random_uuid()::text), 16))::bit(64)::bigint"
                                        + " WHERE lock_key = $1 AND EXISTS (SELECT" + HOLDERS
                                        + " AND a.usename IS DISTINCT FROM current_user) RETURNING 1",
                                Tuple.of(key))
                        .size()
                > 0;
    }

    /**
     * Ends the session of a leader that has not been seen for longer than {@code patience} though it holds the lock: a
     * process that was stopped keeps its connections open.
     *
     * @return whether one was ended
     */
    boolean endSilentLeader(long key, Duration patience) throws LeaderLostException {
        return rows(
                                "SELECT pg_terminate_backend(l.pid)" + HOLDERS
                                        + """
                  AND a.usename = current_user
                  AND a.backend_start < clock_timestamp() - $2 * interval '1 ms'
                  AND NOT EXISTS (SELECT FROM df._worker_epoch
                                  WHERE last_seen_at > clock_timestamp() - $2 * interval '1 ms')""",
                                Tuple.of(key, (double) patience.toMillis()))
                        .size()
                > 0;
    }

    Term beginTerm() throws LeaderLostException {
        Row row = one("SELECT t.epoch, t.key, a.id, a.key FROM df._begin_term() AS t, df._address_key() AS a");
        AddressKey addresses =
                new AddressKey(row.getInteger(2), row.getBuffer(3).getBytes());
        return new Term(row.getLong(0), row.getBuffer(1).getBytes(), addresses);
    }

    /**
     * Compares the server with those that the schema, or rows of it, belong to.
     *
     * @return null when they agree, else the difference
     */
    @Nullable String differenceTo(ServerIdentity found) throws LeaderLostException {
        Tuple here = Tuple.of(found.systemIdentifier(), found.databaseOid());
        for (Row stranger : rows("SELECT s.system_identifier, s.database_oid FROM df._stranger($1, $2) AS s", here)) {
            return "system identifier %s, database oid %s; the schema, or rows of it, belong to %s, %s"
                    .formatted(
                            found.systemIdentifier(),
                            found.databaseOid(),
                            stranger.getString(0),
                            stranger.getString(1));
        }
        return null;
    }

    /** Writes down, before a term begins, that the schema and its rows belong to this server. */
    void settle(ServerIdentity found) throws LeaderLostException {
        renumber();
        rows("SELECT df._settle_at($1, $2)", Tuple.of(found.systemIdentifier(), found.databaseOid()));
        settled = found;
    }

    /** Rows that were copied from another server must be in the snapshots of this one before a term begins. */
    private void renumber() throws LeaderLostException {
        long sum = 0;
        int count;
        do {
            count = one("SELECT df._renumber($1)", Tuple.of(ROWS_RENUMBERED_AT_A_TIME))
                    .getInteger(0);
            sum += count;
        } while (count > 0);
        if (sum > 0) {
            LOG.infof("%d rows were copied from another server and have a transaction of this one now", sum);
        }
    }

    /**
     * One heartbeat.
     *
     * @return whether the term is still the current one
     */
    boolean heartbeat(Term term, boolean visibly) throws LeaderLostException {
        if (closed) {
            throw new LeaderLostException("the leader's connection was closed", null);
        }
        if (visibly) {
            rows("UPDATE df._worker_epoch SET last_seen_at = clock_timestamp()", Tuple.tuple());
            ServerIdentity here = settled;
            String difference = here == null ? null : differenceTo(here);
            if (difference != null) {
                throw new LeaderLostException(
                        "rows of another server were copied into the schema df: " + difference, null);
            }
        }
        Row row = one("SELECT last_value, pg_backend_pid(), pg_is_in_recovery(),"
                + " to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL FROM df._epoch_seq");
        if (row.getInteger(1) != backend) {
            throw sharedSession("transaction");
        }
        if (row.getBoolean(2)) {
            throw new LeaderLostException("the server has become a replica", null);
        }
        citus = row.getBoolean(3);
        return row.getLong(0) == term.epoch();
    }

    /** Whether the database has the extension Citus, as the last heartbeat has seen it. */
    boolean hasCitus() {
        return citus;
    }

    /** Says in the name of the session how many databases this worker leads, where others have to know. */
    void call(String now) throws LeaderLostException {
        if (!now.equals(name)) {
            rows("SELECT set_config('application_name', $1, false)", Tuple.of(now));
            name = now;
        }
    }

    /** Gives the lock back: a standby that waits for it has it at once. */
    void release() throws LeaderLostException {
        rows("SELECT pg_advisory_unlock_all()", Tuple.tuple());
    }

    boolean isClosed() {
        return closed;
    }

    Row one(String sql) throws LeaderLostException {
        RowSet<Row> rows = await(connection.query(sql).execute(), deadline);
        return rows.iterator().next();
    }

    Row one(String sql, Tuple arguments) throws LeaderLostException {
        return rows(sql, arguments).iterator().next();
    }

    private RowSet<Row> rows(String sql, Tuple arguments) throws LeaderLostException {
        return await(connection.preparedQuery(sql).execute(arguments), deadline);
    }

    private static <T> T await(Future<T> future, Duration deadline) throws LeaderLostException {
        try {
            return future.toCompletionStage().toCompletableFuture().get(deadline.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            String state = e.getCause() instanceof PgException pg ? pg.getSqlState() : null;
            throw new LeaderLostException(String.valueOf(e.getCause().getMessage()), state, e.getCause());
        } catch (TimeoutException e) {
            throw new LeaderLostException("no answer within " + deadline.toMillis() + " ms", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LeaderLostException("interrupted", e);
        }
    }

    @Override
    public void close() {
        connection.close();
    }
}
