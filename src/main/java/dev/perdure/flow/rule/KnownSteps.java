package dev.perdure.flow.rule;

import dev.perdure.graph.Graph;
import dev.perdure.graph.Node;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The steps that are known to follow a step before it has run: the next ones of its chain whose texts depend on nothing. An executor may
 * send them along; the steps that really follow are decided when they have run.
 */
public final class KnownSteps {

    private KnownSteps() {}

    /**
     * The statements behind a step, none when other branches may run beside it.
     *
     * @param most so many
     */
    public static List<String> after(Graph graph, String nodeId, int most) {
        List<String> statements = new ArrayList<>();
        if (mayRunBesideOthers(graph, nodeId)) {
            return statements;
        }
        Node next = next(graph, nodeId);
        while (next != null && statements.size() < most) {
            String statement = Rules.of(next).statement();
            if (statement == null || !isPlain(statement)) {
                break;
            }
            statements.add(statement);
            next = next(graph, next.id());
        }
        return statements;
    }

    private static boolean mayRunBesideOthers(Graph graph, String nodeId) {
        for (Node above = graph.parent(nodeId); above != null; above = graph.parent(above.id())) {
            if (Rules.of(above).isBranching()) {
                return true;
            }
        }
        return false;
    }

    /** Up to where the chain goes on, and down to its first step there. */
    private static @Nullable Node next(Graph graph, String nodeId) {
        String from = nodeId;
        for (Node above = graph.parent(from); above != null; above = graph.parent(from)) {
            List<String> chain = Rules.of(above).sequence();
            int at = chain.indexOf(from);
            if (at < 0) {
                return null;
            }
            if (at + 1 < chain.size()) {
                return first(graph, chain.get(at + 1));
            }
            from = above.id();
        }
        return null;
    }

    /** Whether nothing is put into the text. */
    private static boolean isPlain(String sql) {
        return sql.indexOf('$') < 0 && sql.indexOf('{') < 0;
    }

    private static Node first(Graph graph, String nodeId) {
        Node first = graph.node(nodeId);
        for (List<String> chain = Rules.of(first).sequence(); !chain.isEmpty(); ) {
            first = graph.node(chain.get(0));
            chain = Rules.of(first).sequence();
        }
        return first;
    }
}
