package dev.perdure.database;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.ServerErrorMessage;

/**
 * Errors by which the coordinator of Citus says that another node is away, or begins or ends at this moment, so that nothing was
 * committed. By their words, which Citus does not translate: a step can raise the same SQLSTATE, and what dblink says is no trouble of
 * the server's. A user who imitates the words waits.
 */
final class NodeTrouble {

    private static final List<String> BEGINNINGS = List.of(
            "connection to the remote node ",
            "connection establishment for node ",
            "could not establish any connections to the node ",
            "the total number of connections on the server is more than max_connections",
            "could not commit transaction for shard ",
            "failure on connection marked as essential: ",
            "failed to prepare transaction ");
    /** The node itself has said it, and Citus hands it on. */
    private static final String ON_NODE = "while executing command on ";

    private static final String INTERNAL_ERROR = "XX000";
    private static final List<String> BROKEN = List.of(
            "SSL SYSCALL error",
            "SSL connection has been closed",
            "SSL error",
            "server closed the connection",
            "connection not open",
            "no connection to the server",
            "could not receive data from server",
            "could not send data to server",
            "invalid socket");

    private NodeTrouble() {}

    /** The action that follows; null when the error is none of them. */
    static Failure.@Nullable Kind kind(ServerErrorMessage error) {
        String message = String.valueOf(error.getMessage());
        if (BEGINNINGS.stream().anyMatch(message::startsWith)) {
            return Failure.Kind.EXHAUSTED;
        }
        return contains(error.getWhere(), ON_NODE)
                ? ofNode(String.valueOf(error.getSQLState()), message, error.getHint())
                : null;
    }

    private static Failure.@Nullable Kind ofNode(String state, String message, @Nullable String hint) {
        // Started without max_prepared_transactions: the leader finds that, and says what to do.
        boolean isAway = state.startsWith("57P0")
                || state.startsWith("08")
                || state.equals("55000") && contains(hint, "max_prepared_transactions");
        if (isAway) {
            return Failure.Kind.EXHAUSTED;
        }
        if (!state.equals(INTERNAL_ERROR)) {
            return null;
        }
        // Citus has no SQLSTATE for a connection that broke in the middle, only the words of libpq, which may be
        // translated.
        return BROKEN.stream().anyMatch(message::contains) ? Failure.Kind.EXHAUSTED : Failure.Kind.TRANSIENT;
    }

    private static boolean contains(@Nullable String text, String part) {
        return text != null && text.contains(part);
    }
}
