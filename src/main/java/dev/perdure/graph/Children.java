package dev.perdure.graph;

import java.util.List;

/** The children of each node type, in the order of specification 5.2. */
final class Children {

    private Children() {}

    static List<String> of(Node node) {
        if (node instanceof ThenNode then) {
            return List.of(then.left(), then.right());
        }
        if (node instanceof IfNode branch) {
            return List.of(branch.condition(), branch.then(), branch.otherwise());
        }
        if (node instanceof IfRowsNode branch) {
            return List.of(branch.then(), branch.otherwise());
        }
        if (node instanceof LoopNode loop) {
            String condition = loop.condition();
            return condition == null ? List.of(loop.body()) : List.of(loop.body(), condition);
        }
        if (node instanceof RetryNode retry) {
            return List.of(retry.body());
        }
        if (node instanceof JoinNode join) {
            return join.branches();
        }
        if (node instanceof RaceNode race) {
            return List.of(race.left(), race.right());
        }
        return List.of();
    }
}
