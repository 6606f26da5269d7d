package dev.perdure.database;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.pgclient.PgConnection;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A session of a term as the owner of schema df, on the reactive client: opened when it is needed, and again when it was dropped.
 * One that is on another server than the leader's, or is there too late, is closed. Thread-safe.
 */
public final class OwnerSession implements AutoCloseable {

    private static final String PID = "SELECT pg_catalog.pg_backend_pid()";
    /** Of a session that did not answer; it may still hold locks, or wait for a standby. */
    private static final String END = "SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a"
            + " WHERE a.pid = $1 AND a.usename = current_user AND a.application_name = current_setting('application_name')";

    private final Vertx vertx;
    private final PgConnectOptions server;
    private final Map<String, String> settings;
    private final ServerIdentity identity;
    private final Duration patience;
    private final String term;

    private @Nullable PgConnection connection;
    private int backend;
    /** The backend of a session that did not answer; 0: there is none. */
    private int abandoned;

    private @Nullable Future<PgConnection> connecting;
    private boolean closed;

    /**
     * A session that is opened when it is needed.
     *
     * @param server that leadership was won on
     * @param settings that hold in it
     * @param identity of that server: any other behind the same address is refused
     * @param patience so long it may take to connect
     * @param term what it belongs to, for messages
     */
    public OwnerSession(
            Vertx vertx,
            PgConnectOptions server,
            Map<String, String> settings,
            ServerIdentity identity,
            Duration patience,
            String term) {
        this.vertx = vertx;
        this.server = server;
        this.settings = settings;
        this.identity = identity;
        this.patience = patience;
        this.term = term;
    }

    /** The session; fails with an {@link IllegalStateException} after {@link #close()}, and when there is none in time. */
    public synchronized Future<PgConnection> connected() {
        if (closed) {
            return Future.failedFuture(new IllegalStateException(term + " is over"));
        }
        if (connection != null) {
            return Future.succeededFuture(connection);
        }
        if (connecting == null) {
            Promise<PgConnection> opened = Promise.promise();
            connecting = opened.future();
            open(opened);
        }
        return connecting;
    }

    private void open(Promise<PgConnection> opened) {
        long timer = vertx.setTimer(
                patience.toMillis(),
                ignored -> refuse(
                        opened, new IllegalStateException("no connection within " + patience.toMillis() + " ms")));
        ReactiveSessions.connect(vertx, server, settings).onComplete(arrived -> {
            if (arrived.failed()) {
                vertx.cancelTimer(timer);
                refuse(opened, arrived.cause());
                return;
            }
            PgConnection session = arrived.result();
            check(session).onComplete(pid -> {
                vertx.cancelTimer(timer);
                if (pid.failed()) {
                    session.close();
                    refuse(opened, pid.cause());
                } else {
                    accept(opened, session, pid.result());
                }
            });
        });
    }

    /** Answers the pid of the backend. */
    private Future<Integer> check(PgConnection session) {
        return session.query(ServerIdentity.SQL)
                .execute()
                .compose(answer -> {
                    Row row = answer.iterator().next();
                    ServerIdentity found = new ServerIdentity(row.getString(0), row.getString(1), row.getString(2));
                    return found.equals(identity)
                            ? endAbandoned(session)
                            : Future.failedFuture(new IllegalStateException(
                                    "another server than the one that leadership was won on answers"));
                })
                .compose(ignored -> session.query(PID).execute())
                .map(answer -> answer.iterator().next().getInteger(0));
    }

    private Future<?> endAbandoned(PgConnection session) {
        int pid;
        synchronized (this) {
            pid = abandoned;
            abandoned = 0;
        }
        return pid == 0 ? Future.succeededFuture() : session.preparedQuery(END).execute(Tuple.of(pid));
    }

    private void accept(Promise<PgConnection> opened, PgConnection session, int pid) {
        boolean wanted;
        synchronized (this) {
            wanted = !closed && connecting == opened.future();
            if (wanted) {
                connection = session;
                backend = pid;
                connecting = null;
            }
        }
        if (!wanted) {
            session.close();
            opened.tryFail(new IllegalStateException("the session came too late"));
            return;
        }
        session.closeHandler(ignored -> forget(session));
        session.exceptionHandler(ignored -> drop(session));
        opened.tryComplete(session);
    }

    private void refuse(Promise<PgConnection> opened, Throwable cause) {
        synchronized (this) {
            if (connecting == opened.future()) {
                connecting = null;
            }
        }
        opened.tryFail(cause);
    }

    private synchronized void forget(PgConnection session) {
        if (connection == session) {
            connection = null;
        }
    }

    /** Closes a session that cannot be used any more; the next one is a new one. */
    public void drop(PgConnection session) {
        forget(session);
        session.close();
    }

    /** The same for one that has not answered in time: its work on the server is ended, as soon as there is another. */
    public void abandon(PgConnection session) {
        synchronized (this) {
            if (connection == session) {
                abandoned = backend;
            }
        }
        drop(session);
    }

    /** Opens no more sessions. What was sent is answered first. */
    @Override
    public void close() {
        PgConnection session;
        synchronized (this) {
            closed = true;
            session = connection;
            connection = null;
            connecting = null;
        }
        if (session != null) {
            session.close();
        }
    }
}
