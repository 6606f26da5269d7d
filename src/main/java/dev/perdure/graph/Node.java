package dev.perdure.graph;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One node of a workflow (specification 1.4). Children are named by id and found through the {@link Graph}, so that a
 * node is a small flat value however deep the workflow is.
 */
public sealed interface Node
        permits SqlNode,
                ThenNode,
                IfNode,
                IfRowsNode,
                LoopNode,
                BreakNode,
                JoinNode,
                RaceNode,
                RetryNode,
                SleepNode,
                WaitScheduleNode,
                HttpNode,
                MultipartNode,
                SignalNode,
                ConditionWaitNode,
                EventWaitNode,
                CatchNode,
                SagaNode,
                UndoNode,
                TimeoutNode,
                MapNode,
                CallNode,
                ActivityNode,
                ApprovalNode,
                SectionNode,
                ItemNode {

    String id();

    /** The name under which later nodes refer to this node's result; null when it has none. */
    @Nullable String resultName();

    /** The type as {@code df.nodes.node_type} has it. */
    String type();

    /** Ids of its children, in the order of specification 5.2. */
    default List<String> children() {
        return List.of();
    }

    /** The place of a child: {@code .left}, {@code .right}, {@code .condition_node} or {@code .extra_nodes[0]}. */
    default String place(String child) {
        return children().indexOf(child) == 0 ? ".left" : ".right";
    }

    /** The signal that an execution of it waits for, or the text that stands for an event; null when it waits for none. */
    default @Nullable String awaitedSignal(String stamp) {
        return null;
    }

    /** Whether a program or a person decides it, in a transaction of its own: such a decision comes before a limit that is over later. */
    default boolean isAssigned() {
        return false;
    }

    /** Whether a program does it, and nothing has to be known of it but that. */
    default boolean isClaimed() {
        return false;
    }
}
