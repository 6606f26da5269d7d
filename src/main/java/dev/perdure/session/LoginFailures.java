package dev.perdure.session;

import dev.perdure.database.Failure;
import dev.perdure.database.Failure.Kind;
import java.sql.SQLException;

/** The meaning of a failed login as a role. */
final class LoginFailures {

    /** SQLSTATE of a role that may not run steps at all; the message is meant for the submitter as it is. */
    static final String FORBIDDEN = "DF004";

    private LoginFailures() {}

    /**
     * Classifies an error. A step is to blame only when it is asked for as a role that may not run any, or in a database that
     * does not exist.
     */
    static Failure of(SQLException e, SessionPools.Key key) {
        Failure failure = Failure.of(e);
        String state = String.valueOf(failure.sqlState());
        if (state.equals(FORBIDDEN) || state.equals("3D000") && key.database() != null) {
            return failure.as(Kind.STEP);
        }
        return failure.kind() == Kind.CONNECTION_LOST && !state.equals("08004") ? failure : failure.as(Kind.LOGIN);
    }

    /** Whether the server refuses the role itself, which {@code df.start} can say as well. */
    static boolean isRefusal(Failure failure) {
        String state = String.valueOf(failure.sqlState());
        // 08004 comes from pgjdbc when the server asks for a way to log in that it was not given (a password).
        return state.startsWith("28") || state.equals("08004") || state.equals("42501");
    }

    /** The failure of the step, as it is shown: only the reason where the role may run no steps. */
    static Failure said(Failure failure, SessionPools.Key key, String role) {
        return FORBIDDEN.equals(failure.sqlState())
                ? failure
                : new Failure(
                        failure.kind(),
                        failure.sqlState(),
                        "Failed to connect to database '" + key.database() + "' as '" + role
                                + "'. Error: error returned from database: " + failure.message());
    }
}
