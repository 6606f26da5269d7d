package dev.perdure.leader;

import dev.perdure.database.ServerIdentity;
import dev.perdure.store.Term;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.pgclient.PgConnection;
import io.vertx.pgclient.PgException;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The connection that holds the leader's advisory lock. Blocking, for the election's thread; every call has a deadline,
 * after which the session counts as lost.
 */
final class LeaderSession implements AutoCloseable {

    private final PgConnection connection;
    private final int host;
    private final Duration deadline;
    private volatile boolean closed;
    /** The server that was written down. */
    private @org.jspecify.annotations.Nullable ServerIdentity settled;

    private LeaderSession(PgConnection connection, int host, Duration deadline) {
        this.connection = connection;
        this.host = host;
        this.deadline = deadline;
        connection.closeHandler(ignored -> closed = true);
    }

    /** Connects to the first of the servers that answers. */
    static LeaderSession open(Vertx vertx, List<PgConnectOptions> servers, Duration deadline)
            throws LeaderLostException {
        LeaderLostException failure = new LeaderLostException("no server is configured", null);
        for (int i = 0; i < servers.size(); i++) {
            PgConnectOptions options = new PgConnectOptions(servers.get(i))
                    .addProperty("application_name", "perdure-leader")
                    .addProperty("statement_timeout", "0")
                    .addProperty("lock_timeout", "0")
                    .addProperty("idle_in_transaction_session_timeout", "0")
                    .addProperty("idle_session_timeout", "0")
                    .addProperty("default_transaction_read_only", "off")
                    .addProperty("default_transaction_isolation", "read committed")
                    .addProperty("search_path", "pg_catalog")
                    .addProperty("standard_conforming_strings", "on")
                    .addProperty("jit", "off")
                    // The server notices by itself, and gives the lock free, when this machine has vanished.
                    .addProperty("tcp_keepalives_idle", "3")
                    .addProperty("tcp_keepalives_interval", "1")
                    .addProperty("tcp_keepalives_count", "3")
                    .addProperty("tcp_user_timeout", Long.toString(deadline.toMillis()));
            try {
                Future<PgConnection> connecting = PgConnection.connect(vertx, options);
                LeaderSession session;
                try {
                    session = new LeaderSession(await(connecting, deadline), i, deadline);
                } catch (LeaderLostException e) {
                    // It may arrive after all, and would then be kept for ever.
                    connecting.onSuccess(PgConnection::close);
                    throw e;
                }
                try {
                    session.refuseTransactionPooler();
                } catch (LeaderLostException e) {
                    session.close();
                    throw e;
                }
                return session;
            } catch (LeaderLostException e) {
                failure = e;
            }
        }
        throw failure;
    }

    private void refuseTransactionPooler() throws LeaderLostException {
        int backend = one("SELECT pg_backend_pid()").getInteger(0);
        if (backend != connection.processId()) {
            throw new LeaderLostException(
                    "the connection goes through a pooler that changes sessions between transactions; the worker needs "
                            + "a direct connection (or session pooling)",
                    null);
        }
    }

    /** Which of the servers this is, from 0. */
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

    boolean tryLock(long key) throws LeaderLostException {
        return one("SELECT pg_try_advisory_lock($1)", Tuple.of(key)).getBoolean(0);
    }

    /** Waits for the lock; whether it was had in time. */
    boolean awaitLock(long key, Duration time) throws LeaderLostException {
        return one("SELECT df._await_lock($1, $2)", Tuple.of(key, (int) Math.max(1, time.toMillis())))
                .getBoolean(0);
    }

    /**
     * When a session of another role holds the lock, draws a new key: any role may take any advisory lock.
     *
     * @return whether a new key was drawn
     */
    boolean replaceKeyHeldByAnotherRole(long key) throws LeaderLostException {
        return rows(
                                """
                UPDATE df._epoch SET lock_key = ('x' || left(md5(gen_random_uuid()::text), 16))::bit(64)::bigint
                WHERE lock_key = $1 AND EXISTS (
                    -- A transaction that was prepared holds its locks without a session.
                    SELECT FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
                    WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
                      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                      AND (l.classid::bigint << 32 | l.objid::bigint) = $1
                      AND a.usename IS DISTINCT FROM current_user)
                RETURNING 1""",
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
                                """
                SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
                WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
                  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND (l.classid::bigint << 32 | l.objid::bigint) = $1
                  AND a.usename = current_user
                  AND a.backend_start < clock_timestamp() - $2 * interval '1 ms'
                  AND NOT EXISTS (SELECT FROM df._worker_epoch
                                  WHERE last_seen_at > clock_timestamp() - $2 * interval '1 ms')""",
                                Tuple.of(key, (double) patience.toMillis()))
                        .size()
                > 0;
    }

    Term beginTerm() throws LeaderLostException {
        Row row = one("SELECT epoch, key FROM df._begin_term()");
        Buffer key = row.getBuffer(1);
        return new Term(row.getLong(0), key.getBytes());
    }

    /**
     * Compares the server with those that the schema, or rows of it, belong to; the first leader writes it down.
     *
     * @return null when they agree, else the difference
     */
    @org.jspecify.annotations.Nullable String differenceTo(ServerIdentity found) throws LeaderLostException {
        Tuple here = Tuple.of(found.systemIdentifier(), found.databaseOid());
        for (Row stranger : rows("SELECT s.system_identifier, s.database_oid FROM df._stranger($1, $2) AS s", here)) {
            return "system identifier %s, database oid %s; the schema, or rows of it, belong to %s, %s"
                    .formatted(
                            found.systemIdentifier(),
                            found.databaseOid(),
                            stranger.getString(0),
                            stranger.getString(1));
        }
        if (!found.equals(settled)) {
            rows("SELECT df._settle_at($1, $2)", here);
            settled = found;
        }
        return null;
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
        return one("SELECT last_value FROM df._epoch_seq").getLong(0) == term.epoch();
    }

    /** Gives the lock back: a standby that waits for it has it at once. */
    void release() throws LeaderLostException {
        rows("SELECT pg_advisory_unlock_all()", Tuple.tuple());
    }

    boolean isClosed() {
        return closed;
    }

    private Row one(String sql) throws LeaderLostException {
        RowSet<Row> rows = await(connection.query(sql).execute(), deadline);
        return rows.iterator().next();
    }

    private Row one(String sql, Tuple arguments) throws LeaderLostException {
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
