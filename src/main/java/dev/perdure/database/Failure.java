package dev.perdure.database;

import io.vertx.core.VertxException;
import io.vertx.pgclient.PgException;
import java.io.IOException;
import java.sql.SQLException;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/**
 * Meaning of an error of PostgreSQL or of the connection to it, for both drivers. A step can raise
 * errors of any size, and many at once: what is longer than 256 Ki characters is cut, and says so.
 *
 * @param kind what has to happen
 * @param sqlState SQLSTATE (<a href="https://www.postgresql.org/docs/current/errcodes-appendix.html">appendix A</a>)
 * @param message the primary message of the server, without context, which can show parameters
 * @param position of the error in the statement, from 1, in characters; 0 when there is none
 */
public record Failure(
        Kind kind,
        @Nullable String sqlState,
        String message,
        @Nullable String detail,
        @Nullable String hint,
        int position) {

    /** The action that follows an error. */
    public enum Kind {
        /** The statement is to blame: the step fails. */
        STEP,
        /** The server rolled back for a reason that may pass, and that a step can cause itself: try again, and count. */
        TRANSIENT,
        /**
         * The server has run out of disk, memory or connections (class 53), or a node of Citus is away or not ready: wait, and do
         * not count.
         */
        EXHAUSTED,
        /** The connection is gone; whether a commit happened is unknown. */
        CONNECTION_LOST,
        /** The statement was cancelled. */
        CANCELED,
        /** The statement needs to run outside a transaction block. */
        NEEDS_AUTOCOMMIT,
        /** A lock on rows of ours, which the checkpoint needs, was not granted in time: wait, and do not count. */
        LOCK_TIMEOUT,
        /** The rows are not as memory believes: load the instance again. */
        STALE,
        /** Another term has begun: this worker does not lead any more. */
        FENCED,
        /** The role cannot be logged in as at this moment. */
        LOGIN,
        /** The result needs more memory than the role can have at this moment. */
        NO_MEMORY
    }

    private static final int MAX_TEXT = 256 * 1024;
    private static final Set<String> LOST = Set.of("57P01", "57P02", "57P05", "25P03", "25P04");
    private static final Set<String> TRANSIENT = Set.of("40001", "40P01", "40000", "57P03");
    // 53400 is a limit that was set for the role or the step, such as temp_file_limit.
    private static final Set<String> EXHAUSTED = Set.of("53000", "53100", "53200", "53300");

    public Failure {
        message = cut(message);
        detail = detail == null ? null : cut(detail);
        hint = hint == null ? null : cut(hint);
    }

    public Failure(Kind kind, @Nullable String sqlState, String message) {
        this(kind, sqlState, message, null, null, 0);
    }

    /**
     * Whether the server is in trouble, or has too much to do, and no step is to blame, or a role cannot be logged in as at this
     * moment.
     */
    public boolean isServersTrouble() {
        return kind == Kind.LOGIN || kind == Kind.EXHAUSTED;
    }

    /** Classifies an error of pgjdbc. */
    public static Failure of(SQLException e) {
        String state = e.getSQLState();
        ServerErrorMessage server = e instanceof PSQLException ours ? ours.getServerErrorMessage() : null;
        if (server == null) {
            return new Failure(kind(state, false), state, text(e));
        }
        String message = server.getMessage() == null ? text(e) : server.getMessage();
        Kind ofNode = NodeTrouble.kind(server);
        Kind kind = ofNode == null ? kind(state, true) : ofNode;
        return new Failure(kind, state, message, server.getDetail(), server.getHint(), server.getPosition());
    }

    /** Classifies an error of the reactive client. */
    public static Failure of(PgException e) {
        String state = e.getSqlState();
        String message = e.getErrorMessage() == null ? text(e) : e.getErrorMessage();
        return new Failure(kind(state, true), state, message, e.getDetail(), e.getHint(), position(e.getPosition()));
    }

    /** Classifies whatever ends a call of either driver. What is none of their errors is a bug, and no step's fault. */
    public static Failure of(Throwable e) {
        if (e instanceof SQLException ofJdbc) {
            return of(ofJdbc);
        }
        if (e instanceof PgException ofReactive) {
            return of(ofReactive);
        }
        boolean lost = e instanceof IOException || e instanceof VertxException || e instanceof IllegalStateException;
        return new Failure(lost ? Kind.CONNECTION_LOST : Kind.TRANSIENT, null, text(e));
    }

    /**
     * Classifies an error of a step's statement, which can raise any error: its statements about our own rows are not believed, and the
     * connection is lost only when it is.
     *
     * @param closed whether the connection is
     */
    public static Failure ofStatement(SQLException e, boolean closed) {
        Failure failure = ofStep(e);
        boolean fromServer = e instanceof PSQLException ours && ours.getServerErrorMessage() != null;
        Kind kind =
                switch (failure.kind()) {
                    case STALE, FENCED -> Kind.STEP;
                    case LOCK_TIMEOUT -> Kind.TRANSIENT;
                    case CONNECTION_LOST -> fromServer && !closed ? Kind.STEP : Kind.CONNECTION_LOST;
                    default -> failure.kind();
                };
        return failure.as(kind);
    }

    /** Classifies an error of {@code df.checkpoint} itself, in which no code of a user runs. */
    public static Failure ofCheckpoint(SQLException e) {
        Failure failure = of(e);
        return "40P01".equals(failure.sqlState()) ? failure.as(Kind.LOCK_TIMEOUT) : failure;
    }

    /** Classifies an error of a step's session, in which pgjdbc also refuses results of the step. */
    public static Failure ofStep(SQLException e) {
        Failure failure = of(e);
        if (e instanceof PSQLException ours && ours.getServerErrorMessage() != null) {
            return failure;
        }
        // pgjdbc closes a connection whose settings it cannot work with; the step is to blame, not the network.
        for (String setting : new String[] {"client_encoding", "DateStyle"}) {
            if (failure.message().contains(setting)) {
                return new Failure(Kind.STEP, failure.sqlState(), "a step cannot change " + setting);
            }
        }
        if (failure.message().contains("maxResultBuffer")) {
            return new Failure(Kind.STEP, "54000", "the result is larger than perdure.step.max-result-size");
        }
        return failure;
    }

    /** The same error, with another consequence. */
    public Failure as(Kind other) {
        return kind == other ? this : new Failure(other, sqlState, message, detail, hint, position);
    }

    private static String cut(String text) {
        if (text.length() <= MAX_TEXT) {
            return text;
        }
        int end = Character.isHighSurrogate(text.charAt(MAX_TEXT - 1)) ? MAX_TEXT - 1 : MAX_TEXT;
        return text.substring(0, end) + "… (" + (text.length() - end) + " more characters)";
    }

    private static Kind kind(@Nullable String state, boolean fromServer) {
        if (state == null) {
            return Kind.STEP;
        }
        if (LOST.contains(state) || state.startsWith("08") && !fromServer) {
            return Kind.CONNECTION_LOST;
        }
        if (TRANSIENT.contains(state)) {
            return Kind.TRANSIENT;
        }
        if (EXHAUSTED.contains(state)) {
            return Kind.EXHAUSTED;
        }
        return switch (state) {
            case "57014" -> Kind.CANCELED;
            case "55P03" -> Kind.LOCK_TIMEOUT;
            case "25001", "2D000" -> Kind.NEEDS_AUTOCOMMIT;
            case "DF001" -> Kind.STALE;
            case "DF002" -> Kind.FENCED;
            case "DF006" -> Kind.EXHAUSTED;
            default -> Kind.STEP;
        };
    }

    private static int position(@Nullable String text) {
        try {
            return text == null ? 0 : Integer.parseInt(text);
        } catch (NumberFormatException e) {
            // No position then.
            return 0;
        }
    }

    private static String text(Throwable e) {
        return e.getMessage() == null ? e.toString() : e.getMessage();
    }
}
