package dev.perdure.database;

import dev.perdure.database.DatabaseStatus.State;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import org.jboss.logging.Logger;

/**
 * Keeps one session open and asks every second whether it lives, so that readiness follows the database. One on a standby is
 * replaced: its address may lead to the primary by now.
 */
public final class DatabaseWatch {

    private static final Logger LOG = Logger.getLogger(DatabaseWatch.class);
    private static final Duration INTERVAL = Duration.ofSeconds(1);
    /** The looks in a row that have to wait: a healthy standby takes shorter waits. */
    private static final int LOOKS_THAT_WAIT = 3;

    private static final Map<String, String> SETTINGS = OwnerSettings.with(Map.of("statement_timeout", "2s"));

    /** Counts the owner's sessions, which tell enough: of those of other roles only the number is visible. */
    private static final String QUESTION = "SELECT pg_catalog.pg_is_in_recovery(), (SELECT count(*)"
            + " FROM pg_catalog.pg_stat_activity a WHERE a.usename = current_user AND a.wait_event = 'SyncRep'),"
            + " pg_catalog.current_setting('synchronous_standby_names')";

    private final DatabaseUrl url;
    private final DatabaseStatus status;
    private int looksThatWait;

    /** A watch over the database of a URL. */
    public DatabaseWatch(DatabaseUrl url, DatabaseStatus status) {
        this.url = url.withParameter("application_name", "perdure watch").withSettings(SETTINGS);
        this.status = status;
    }

    /** Runs until the thread is interrupted. */
    public void run() throws InterruptedException {
        Backoff backoff = new Backoff();
        while (true) {
            try (Connection connection = url.connect(Map.of("connectTimeout", "5", "socketTimeout", "5"))) {
                boolean isPrimary;
                do {
                    isPrimary = look(connection);
                    backoff.reset();
                    Thread.sleep(INTERVAL.toMillis());
                } while (isPrimary);
                continue;
            } catch (SQLException e) {
                lost(e.getMessage());
            }
            backoff.sleep();
        }
    }

    /** Whether the session may be kept. */
    private boolean look(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(QUESTION)) {
            row.next();
            boolean isReplica = row.getBoolean(1);
            looksThatWait = row.getInt(2) > 0
                    ? Math.min(looksThatWait + 1, 2 * LOOKS_THAT_WAIT)
                    : Math.max(looksThatWait - 1, 0);
            if (looksThatWait >= LOOKS_THAT_WAIT) {
                commitsWait(row.getString(3));
            } else {
                found(isReplica ? "answers, a replica" : "answers");
            }
            return !isReplica;
        }
    }

    private void found(String detail) {
        State before = status.current().state();
        if (before == State.LOST) {
            LOG.infof("The database is back: %s", url);
        } else if (before == State.WAITING) {
            LOG.info("Commits go on");
        }
        status.set(State.READY, detail);
    }

    private void commitsWait(String standbys) {
        String why = "commits wait for a synchronous standby (synchronous_standby_names = '" + standbys + "')";
        if (status.current().state() != State.WAITING) {
            LOG.warnf("Nothing goes on: %s", why);
        }
        status.set(State.WAITING, why);
    }

    private void lost(String why) {
        if (status.current().state() == State.READY) {
            LOG.warnf("The database is lost: %s. Trying again until it is back", why);
        }
        status.set(State.LOST, why);
    }
}
