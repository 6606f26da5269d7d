package dev.perdure.database;

import java.io.IOException;
import java.security.cert.CertPathBuilderException;
import java.sql.SQLException;
import org.postgresql.util.PSQLException;

/** Puts the reason that pgjdbc hides in a cause into the message of an attempt to connect that failed. */
final class ConnectFailure {

    private ConnectFailure() {}

    static SQLException explain(SQLException e) {
        if (e instanceof PSQLException ours && ours.getServerErrorMessage() != null) {
            return e;
        }
        for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
            if (cause instanceof CertPathBuilderException) {
                return with(
                        e,
                        "The certificate of the server is not signed by an authority of sslrootcert (" + e.getMessage()
                                + ")");
            }
            if (cause instanceof IOException && "The connection attempt failed.".equals(e.getMessage())) {
                return with(e, e.getMessage() + " " + cause.getMessage());
            }
        }
        return e;
    }

    private static SQLException with(SQLException e, String message) {
        return new SQLException(message, e.getSQLState(), e);
    }
}
