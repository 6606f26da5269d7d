package dev.perdure.database;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.postgresql.PGConnection;

/**
 * The way from a session to the server: direct, or through a pooler, which may give the server's session to others in between.
 */
public enum Pooler {
    /** The session is the server's own. */
    NONE,
    /** The session is the client's as long as the client keeps it. */
    SESSION_MODE,
    /** The session is the client's for one transaction, or one statement. */
    TRANSACTION_MODE;

    private static final String PID = "SELECT pg_catalog.pg_backend_pid()";
    private static final String STATEMENT_MODE = "statement pooling";
    private static final int ROUNDS = 5;

    /** Opens a second session in the same way as the first. */
    public interface Opener {
        /** A session, for the caller to close. */
        Connection open() throws SQLException;
    }

    /** Looks at a session that is in no transaction. */
    public static Pooler of(Connection session, Opener another) throws SQLException {
        // A pooler invents the process that it tells its client at the beginning.
        if (pid(session) == session.unwrap(PGConnection.class).getBackendPID()) {
            return NONE;
        }
        return takesSessionsAway(session, another) ? TRANSACTION_MODE : SESSION_MODE;
    }

    /** While a second client is in a transaction on the session that the first was just served by, the first has another. */
    private static boolean takesSessionsAway(Connection session, Opener another) throws SQLException {
        for (int round = 0; round < ROUNDS; round++) {
            int mine = pid(session);
            try (Connection other = another.open()) {
                other.setAutoCommit(false);
                int others = pid(other);
                other.rollback();
                if (mine == others) {
                    return true;
                }
            } catch (SQLException e) {
                if (String.valueOf(e.getMessage()).contains(STATEMENT_MODE)) {
                    return true;
                }
                throw e;
            }
            if (pid(session) != mine) {
                return true;
            }
        }
        return false;
    }

    private static int pid(Connection session) throws SQLException {
        try (Statement statement = session.createStatement();
                ResultSet row = statement.executeQuery(PID)) {
            row.next();
            return row.getInt(1);
        }
    }
}
