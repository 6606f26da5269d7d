package dev.perdure.web.login;

import dev.perdure.database.DatabaseUrl;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.jboss.logging.Logger;

/** A session on the server that is logged in as the caller. Used by one request at a time. */
final class RoleSession implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(RoleSession.class);

    private final DatabaseUrl.Opened opened;
    private final long openedAt = System.nanoTime();
    private volatile long usedAt = openedAt;

    RoleSession(DatabaseUrl.Opened opened) {
        this.opened = opened;
    }

    /**
     * Makes it read only, which it is not when it begins: of several hosts the driver takes for the primary whichever begins sessions that
     * may write.
     */
    void prepare() throws SQLException {
        try (Statement statement = opened.connection().createStatement()) {
            if (opened.pins() != null) {
                statement.execute(opened.pins());
            }
            statement.execute(
                    "SET application_name = '" + Gate.APPLICATION + "'; SET default_transaction_read_only = on");
        }
    }

    Connection connection() {
        return opened.connection();
    }

    long ageNanos(long now) {
        return now - openedAt;
    }

    long idleNanos(long now) {
        return now - usedAt;
    }

    /**
     * Takes back whatever a request has left, advisory locks included.
     *
     * @return whether the session can be used again
     */
    boolean reset() {
        usedAt = System.nanoTime();
        try {
            Connection connection = opened.connection();
            if (!connection.getAutoCommit()) {
                connection.rollback();
                connection.setAutoCommit(true);
            }
            try (Statement statement = connection.createStatement()) {
                statement.execute("DISCARD ALL");
            }
            prepare();
            return true;
        } catch (SQLException e) {
            LOG.debugf("A session of the dashboard is closed: %s", e.getMessage());
            return false;
        }
    }

    @Override
    public void close() {
        try {
            opened.connection().close();
        } catch (SQLException e) {
            LOG.debugf("Closing a session of the dashboard: %s", e.getMessage());
        }
    }
}
