package dev.perdure.database;

import java.sql.SQLException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What an error of PostgreSQL or of the connection to it means for a step.
 *
 * @param kind what has to happen
 * @param sqlState SQLSTATE (<a href="https://www.postgresql.org/docs/current/errcodes-appendix.html">appendix A</a>)
 * @param message the primary message of the server, without context, which can show parameters
 */
public record Failure(Kind kind, @Nullable String sqlState, String message) {

    /** What has to happen after an error. */
    public enum Kind {
        /** The statement is to blame: the step fails. */
        STEP,
        /** The server rolled back for a reason that may pass: try again. */
        TRANSIENT,
        /** The connection is gone; whether a commit happened is unknown. */
        CONNECTION_LOST,
        /** The statement was cancelled. */
        CANCELED,
        /** The statement needs to run outside a transaction block. */
        NEEDS_AUTOCOMMIT,
        /** A lock that the checkpoint needs was not granted in time. */
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

    private static final int MAX_MESSAGE = 10_000;
    private static final Set<String> LOST = Set.of("57P01", "57P02", "57P05", "25P03", "25P04");
    // 53100 and 53200: a disk or a memory that is full now may not be in a moment; attempts are counted.
    private static final Set<String> TRANSIENT = Set.of("40001", "40P01", "40000", "53100", "53200", "53300", "57P03");

    /**
     * Whether the server is in trouble, or has too much to do, and no step is to blame (class 53: disk, memory, connections), or a role
     * cannot be logged in as at this moment.
     */
    public boolean isServersTrouble() {
        return kind == Kind.LOGIN || sqlState != null && sqlState.startsWith("53");
    }

    /** Classifies an error of pgjdbc. */
    public static Failure of(SQLException e) {
        String state = e.getSQLState();
        org.postgresql.util.ServerErrorMessage server =
                e instanceof org.postgresql.util.PSQLException ours ? ours.getServerErrorMessage() : null;
        String message = server != null && server.getMessage() != null ? server.getMessage() : text(e);
        return new Failure(kind(state, server != null), state, cut(message));
    }

    /** Classifies an error of a step's session, in which pgjdbc also refuses what the step has done. */
    public static Failure ofStep(SQLException e) {
        Failure failure = of(e);
        if (e instanceof org.postgresql.util.PSQLException ours && ours.getServerErrorMessage() != null) {
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

    /** A step can raise an error of hundreds of megabytes, and the text is stored three times. */
    private static String cut(String message) {
        return message.length() <= MAX_MESSAGE ? message : message.substring(0, MAX_MESSAGE) + "… (cut)";
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
        return switch (state) {
            case "57014" -> Kind.CANCELED;
            case "55P03" -> Kind.LOCK_TIMEOUT;
            case "25001", "2D000" -> Kind.NEEDS_AUTOCOMMIT;
            case "DF001" -> Kind.STALE;
            case "DF002" -> Kind.FENCED;
            default -> Kind.STEP;
        };
    }

    private static String text(SQLException e) {
        return e.getMessage() == null ? e.toString() : e.getMessage();
    }
}
