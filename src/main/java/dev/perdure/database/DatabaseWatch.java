package dev.perdure.database;

import dev.perdure.database.DatabaseStatus.State;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import org.jboss.logging.Logger;

/** Keeps one session open and asks every second whether it lives, so that readiness follows the database. */
public final class DatabaseWatch {

    private static final Logger LOG = Logger.getLogger(DatabaseWatch.class);
    private static final Duration INTERVAL = Duration.ofSeconds(1);
    private static final int ANSWER_LIMIT_SECONDS = 2;

    private final DatabaseUrl url;
    private final DatabaseStatus status;

    /** A watch over the database of a URL. */
    public DatabaseWatch(DatabaseUrl url, DatabaseStatus status) {
        this.url = url;
        this.status = status;
    }

    /** Runs until the thread is interrupted. */
    public void run() throws InterruptedException {
        Backoff backoff = new Backoff();
        while (true) {
            try (Connection connection = url.withParameter("application_name", "perdure watch")
                    .connect(Map.of("connectTimeout", "5", "socketTimeout", "5"))) {
                found();
                backoff.reset();
                while (connection.isValid(ANSWER_LIMIT_SECONDS)) {
                    Thread.sleep(INTERVAL.toMillis());
                }
                lost("the session was closed");
            } catch (SQLException e) {
                lost(e.getMessage());
            }
            backoff.sleep();
        }
    }

    private void found() {
        if (status.current().state() == State.LOST) {
            LOG.infof("The database is back: %s", url);
        }
        status.set(State.READY, url.toString());
    }

    private void lost(String why) {
        if (status.current().state() == State.READY) {
            LOG.warnf("The database is lost: %s. Trying again until it is back", why);
        }
        status.set(State.LOST, why);
    }
}
