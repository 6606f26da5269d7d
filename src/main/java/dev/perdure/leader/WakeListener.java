package dev.perdure.leader;

import io.vertx.core.Vertx;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.pgclient.PgConnection;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Listens for NOTIFY on a session of its own. Anybody may send any: what arrives only sets a flag, and a flood ends the session for a
 * while, in which the engine looks by itself. Nothing depends on it.
 */
public final class WakeListener implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(WakeListener.class);
    private static final long RETRY_MILLIS = 1000;
    private static final long FLOOD_PAUSE_MILLIS = 30_000;
    private static final long WINDOW_MILLIS = 1000;
    private static final int FLOOD = 2000;

    private final Vertx vertx;
    private final PgConnectOptions server;
    private final Runnable onWake;
    private final Consumer<Boolean> onListening;
    private final AtomicInteger received = new AtomicInteger();
    private final long windows;
    private @Nullable PgConnection connection;
    private boolean closed;

    /**
     * Begins to listen, sooner or later.
     *
     * @param onWake called on an event loop; must not block
     * @param onListening told whether it listens, on an event loop
     */
    public WakeListener(Vertx vertx, PgConnectOptions server, Runnable onWake, Consumer<Boolean> onListening) {
        this.vertx = vertx;
        this.server = new PgConnectOptions(server)
                .addProperty("application_name", "perdure-listen")
                .addProperty("statement_timeout", "10s")
                .addProperty("idle_session_timeout", "0")
                .addProperty("idle_in_transaction_session_timeout", "0")
                .addProperty("search_path", "pg_catalog")
                .addProperty("tcp_keepalives_idle", "10")
                .addProperty("tcp_keepalives_interval", "5")
                .addProperty("tcp_keepalives_count", "3");
        this.onWake = onWake;
        this.onListening = onListening;
        this.windows = vertx.setPeriodic(WINDOW_MILLIS, ignored -> received.set(0));
        connect();
    }

    private void connect() {
        PgConnection.connect(vertx, server).onComplete(answer -> {
            if (answer.failed()) {
                LOG.debugf(
                        "No session to listen in, trying again: %s",
                        answer.cause().getMessage());
                later(RETRY_MILLIS);
            } else {
                connected(answer.result());
            }
        });
    }

    private void connected(PgConnection session) {
        synchronized (this) {
            if (closed) {
                session.close();
                return;
            }
            connection = session;
        }
        session.notificationHandler(notification -> {
            if (received.incrementAndGet() > FLOOD) {
                LOG.warnf(
                        "More than %d NOTIFYs a second: not listening for %d s; work is found by looking",
                        FLOOD, FLOOD_PAUSE_MILLIS / 1000);
                session.notificationHandler(null);
                session.closeHandler(null);
                session.close();
                later(FLOOD_PAUSE_MILLIS);
                return;
            }
            onWake.run();
        });
        session.closeHandler(ignored -> later(RETRY_MILLIS));
        // The name is random and the owner's: who may not use df does not know it.
        session.query("SELECT channel FROM df._wake")
                .execute()
                .compose(rows -> session.query("LISTEN \""
                                + rows.iterator().next().getString(0).replace("\"", "\"\"") + '"')
                        .execute())
                .onFailure(failure -> {
                    LOG.debugf("Listening failed, trying again: %s", failure.getMessage());
                    session.close();
                })
                // What was sent before is not repeated.
                .onSuccess(ignored -> {
                    onListening.accept(true);
                    onWake.run();
                });
    }

    private void later(long millis) {
        onListening.accept(false);
        synchronized (this) {
            connection = null;
            if (closed) {
                return;
            }
        }
        vertx.setTimer(millis, ignored -> {
            synchronized (this) {
                if (closed) {
                    return;
                }
            }
            connect();
        });
    }

    @Override
    public void close() {
        vertx.cancelTimer(windows);
        PgConnection last;
        synchronized (this) {
            closed = true;
            last = connection;
            connection = null;
        }
        if (last != null) {
            last.close();
        }
    }
}
