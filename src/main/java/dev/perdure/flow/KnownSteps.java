package dev.perdure.flow;

import dev.perdure.graph.Graph;
import dev.perdure.graph.JoinNode;
import dev.perdure.graph.Node;
import dev.perdure.graph.RaceNode;
import dev.perdure.graph.SqlNode;
import dev.perdure.graph.ThenNode;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The steps that are known to follow a step before it has run: the next ones of its chain whose texts depend on nothing. Whoever
 * executes steps may send them along; what really follows is decided as ever.
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
        SqlNode next = next(graph, nodeId);
        while (next != null && statements.size() < most && isPlain(next.sql())) {
            statements.add(next.sql());
            next = next(graph, next.id());
        }
        return statements;
    }

    private static boolean mayRunBesideOthers(Graph graph, String nodeId) {
        for (Node above = graph.parent(nodeId); above != null; above = graph.parent(above.id())) {
            if (above instanceof JoinNode || above instanceof RaceNode) {
                return true;
            }
        }
        return false;
    }

    /** Up to where the chain goes on, and down to its first step there. */
    private static @Nullable SqlNode next(Graph graph, String nodeId) {
        String from = nodeId;
        Node above = graph.parent(from);
        while (above instanceof ThenNode then && then.right().equals(from)) {
            from = then.id();
            above = graph.parent(from);
        }
        if (!(above instanceof ThenNode chain)) {
            return null;
        }
        Node first = graph.node(chain.right());
        while (first instanceof ThenNode inner) {
            first = graph.node(inner.left());
        }
        return first instanceof SqlNode sql ? sql : null;
    }

    /** Whether nothing is put into the text. */
    private static boolean isPlain(String sql) {
        return sql.indexOf('$') < 0 && sql.indexOf('{') < 0;
    }
}
