package dev.perdure.database;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.ServerErrorMessage;

/**
 * Errors by which the coordinator of Citus says that another node is away, or begins or ends at this moment, so that nothing was
 * committed. By their words, which Citus does not translate: a step can raise the same SQLSTATE, and what dblink says is no trouble of
 * the server's. Whoever imitates the words waits.
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

    private NodeTrouble() {}

    /** Whether it is one. */
    static boolean isIt(ServerErrorMessage error) {
        String message = error.getMessage();
        if (message != null && BEGINNINGS.stream().anyMatch(message::startsWith)) {
            return true;
        }
        return contains(error.getWhere(), ON_NODE) && isOfNode(String.valueOf(error.getSQLState()), error.getHint());
    }

    private static boolean isOfNode(String state, @Nullable String hint) {
        // It was started without max_prepared_transactions: the leader finds that, and says what to do.
        return state.startsWith("57P0")
                || state.startsWith("08")
                || state.equals("55000") && contains(hint, "max_prepared_transactions");
    }

    private static boolean contains(@Nullable String text, String part) {
        return text != null && text.contains(part);
    }
}
