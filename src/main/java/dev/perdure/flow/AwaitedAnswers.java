package dev.perdure.flow;

import dev.perdure.graph.Graph;
import dev.perdure.graph.Node;
import java.util.List;

/** Nodes under a time limit that programs or people may have decided already. */
public final class AwaitedAnswers {

    private AwaitedAnswers() {}

    /** Names of the signals by which they decide nodes under a limit; none when the activation is another kind of timer. */
    public static List<String> under(InstanceState state, Activation limit) {
        Running run = state.running(limit.nodeId());
        if (run == null || run.phase() != Running.Phase.LIMITED || !state.isActive(limit)) {
            return List.of();
        }
        return state.signalWaits().stream()
                .filter(wait -> state.graph().node(wait.activation().nodeId()).isAssigned())
                .filter(wait -> isUnder(state.graph(), wait.activation().nodeId(), limit.nodeId()))
                .map(SignalWait::name)
                .toList();
    }

    private static boolean isUnder(Graph graph, String nodeId, String limit) {
        Node node = graph.parent(nodeId);
        while (node != null && !node.id().equals(limit)) {
            node = graph.parent(node.id());
        }
        return node != null;
    }
}
