package dev.perdure.session;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.LogText;
import dev.perdure.database.OwnerSettings;
import dev.perdure.database.ServerIdentity;
import dev.perdure.session.wire.Notifications;
import java.io.IOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.jdbc.PgConnection;

/**
 * Listens for NOTIFY on a session of its own. Any role may send any number of any size: a notice only sets a flag, is never kept, and is
 * ignored for a while when there are too many; then the engine polls. Nothing depends on a notice.
 */
public final class WakeListener implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(WakeListener.class);
    private static final long RETRY_MILLIS = 1000;
    private static final long FLOOD_PAUSE_SECONDS = 30;
    private static final long WINDOW_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final int FLOOD = 1000;

    private final DatabaseUrl server;
    private final ServerIdentity identity;
    private final Runnable onWake;
    private final Consumer<Boolean> onListening;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final AtomicBoolean isDeaf = new AtomicBoolean();
    private volatile boolean isOpen;
    private @Nullable Connection connection;

    // Touched on the thread that reads.
    private long windowFrom;
    private int received;

    /**
     * Begins to listen, sooner or later.
     *
     * @param server that leadership was won on
     * @param identity of that server: another one behind the same address is not listened to
     * @param onWake called on a thread of its own; must not block
     * @param onListening told on that thread whether it listens
     */
    public WakeListener(DatabaseUrl server, ServerIdentity identity, Runnable onWake, Consumer<Boolean> onListening) {
        this.server = server;
        this.identity = identity;
        this.onWake = onWake;
        this.onListening = onListening;
        this.windowFrom = System.nanoTime();
        Thread thread = new Thread(this::run, "perdure-listen");
        thread.setDaemon(true);
        thread.start();
    }

    private void run() {
        try {
            do {
                try (Connection session = connect()) {
                    listen(session);
                } catch (SQLException | IOException | RuntimeException e) {
                    LOG.debugf("No session to listen in, trying again: %s", LogText.of(String.valueOf(e.getMessage())));
                }
            } while (!closed.await(RETRY_MILLIS, TimeUnit.MILLISECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Connection connect() throws SQLException {
        Map<String, String> pinned = OwnerSettings.with(Map.of("statement_timeout", "10s"));
        Map<String, String> driver = new LinkedHashMap<>();
        driver.put("ApplicationName", "perdure-listen");
        driver.put("assumeMinServerVersion", "14");
        driver.put("prepareThreshold", "0");
        driver.put("gssEncMode", "disable");
        driver.put("connectTimeout", "10");
        driver.put("loginTimeout", "10");
        driver.put("tcpKeepAlive", "true");
        Connection session = server.withSettings(pinned).connect(driver);
        synchronized (this) {
            if (closed.getCount() > 0) {
                connection = session;
                return session;
            }
        }
        session.close();
        throw new SQLException("the term is over");
    }

    private void listen(Connection session) throws SQLException, IOException {
        Notifications notifications = Notifications.of(session.unwrap(PgConnection.class), this::arrived);
        try (Statement statement = session.createStatement()) {
            identity.require(session);
            // The name is random and the owner's: who may not use df does not know it.
            String channel;
            try (ResultSet row = statement.executeQuery("SELECT channel FROM df._wake")) {
                row.next();
                channel = row.getString(1);
            }
            statement.execute("LISTEN " + session.unwrap(PGConnection.class).escapeIdentifier(channel));
        }
        isOpen(true);
        // What was sent before is not repeated.
        onWake.run();
        try {
            notifications.read();
        } finally {
            isOpen(false);
        }
    }

    private void isOpen(boolean now) {
        isOpen = now;
        onListening.accept(now && !isDeaf.get());
    }

    private void arrived() {
        long now = System.nanoTime();
        if (now - windowFrom > WINDOW_NANOS) {
            windowFrom = now;
            received = 0;
        }
        if (++received > FLOOD && isDeaf.compareAndSet(false, true)) {
            LOG.warnf(
                    "More than %d NOTIFYs a second: ignored for %d s; work is found by looking",
                    FLOOD, FLOOD_PAUSE_SECONDS);
            onListening.accept(false);
            Thread pause = new Thread(this::listenAgain, "perdure-listen-pause");
            pause.setDaemon(true);
            pause.start();
        }
        if (!isDeaf.get()) {
            onWake.run();
        }
    }

    private void listenAgain() {
        try {
            if (!closed.await(FLOOD_PAUSE_SECONDS, TimeUnit.SECONDS)) {
                isDeaf.set(false);
                onListening.accept(isOpen);
                onWake.run();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        Connection last;
        synchronized (this) {
            closed.countDown();
            last = connection;
        }
        if (last != null) {
            try {
                last.abort(Runnable::run);
            } catch (SQLException e) {
                LOG.debugf("The session that listens could not be closed: %s", e.getMessage());
            }
        }
    }
}
