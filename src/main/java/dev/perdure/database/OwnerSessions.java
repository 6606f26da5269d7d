package dev.perdure.database;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgBuilder;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.PoolOptions;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.Tuple;
import java.util.concurrent.TimeUnit;

/** A term's sessions as the owner of schema df, on the reactive client. Thread-safe. */
public final class OwnerSessions implements AutoCloseable {

    private static final long CLOSE_LIMIT_MILLIS = 30_000;

    private final Vertx vertx;
    private final Pool pool;
    private final String name;
    private int pending;
    private boolean closed;

    /**
     * Sessions that are opened when they are needed.
     *
     * @param name of what they belong to, for messages
     */
    public OwnerSessions(Vertx vertx, PgConnectOptions server, int size, String name) {
        PgConnectOptions options = new PgConnectOptions(server)
                .setCachePreparedStatements(true)
                .addProperty("statement_timeout", "0")
                .addProperty("lock_timeout", "5s")
                .addProperty("idle_in_transaction_session_timeout", "60s")
                .addProperty("default_transaction_read_only", "off")
                .addProperty("default_transaction_isolation", "read committed")
                .addProperty("search_path", "pg_catalog");
        this.pool = PgBuilder.pool()
                .with(new PoolOptions()
                        .setMaxSize(size)
                        .setConnectionTimeout(10)
                        .setConnectionTimeoutUnit(TimeUnit.SECONDS))
                .connectingTo(options)
                .using(vertx)
                .build();
        this.vertx = vertx;
        this.name = name;
    }

    /** Runs a statement; fails with an {@link IllegalStateException} after {@link #close()}. */
    public Future<RowSet<Row>> query(String sql, Tuple arguments) {
        synchronized (this) {
            if (closed) {
                return Future.failedFuture(new IllegalStateException(name + " is over"));
            }
            pending++;
        }
        return pool.preparedQuery(sql).execute(arguments).onComplete(ignored -> answered());
    }

    private void answered() {
        boolean last;
        synchronized (this) {
            pending--;
            last = closed && pending == 0;
        }
        if (last) {
            pool.close();
        }
    }

    /**
     * Takes no more statements. Sessions end when the last one is answered: a pool that is closed while it connects forgets
     * the session that comes of it, which then stays open for ever.
     */
    @Override
    public void close() {
        boolean idle;
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            idle = pending == 0;
        }
        if (idle) {
            pool.close();
        } else {
            vertx.setTimer(CLOSE_LIMIT_MILLIS, ignored -> pool.close());
        }
    }
}
