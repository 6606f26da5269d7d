package dev.perdure.flow;

import dev.perdure.graph.BreakNode;
import dev.perdure.graph.HttpNode;
import dev.perdure.graph.IfNode;
import dev.perdure.graph.IfRowsNode;
import dev.perdure.graph.JoinNode;
import dev.perdure.graph.LoopNode;
import dev.perdure.graph.MultipartNode;
import dev.perdure.graph.Node;
import dev.perdure.graph.RaceNode;
import dev.perdure.graph.RetryNode;
import dev.perdure.graph.SignalNode;
import dev.perdure.graph.SleepNode;
import dev.perdure.graph.SqlNode;
import dev.perdure.graph.ThenNode;
import dev.perdure.graph.WaitScheduleNode;
import org.jspecify.annotations.Nullable;

/**
 * What a node of one type does when it is entered, when a child of it ends, and when something happened to it. One class
 * per type. A rule holds no state: it reads and writes through the {@link Turn}.
 */
interface Rule {

    /**
     * The node was entered.
     *
     * @param row its row, when memory was just loaded and the row belongs to this activation; null otherwise
     */
    void enter(Turn turn, Running run, @Nullable Recorded row);

    /** A child ended. */
    default void childEnded(Turn turn, Running run, Node child, Outcome outcome) {
        throw new IllegalStateException("node " + run.stamp() + " has no child " + child.id());
    }

    /** The step or timer of this node brought something. What it does not wait for is ignored. */
    default void happened(Turn turn, Running run, Event event) {}

    /** A node type of a later version is added here, in a class of its own. */
    static Rule of(Node node) {
        if (node instanceof SqlNode sql) {
            return new SqlRule(sql);
        }
        if (node instanceof ThenNode then) {
            return new ThenRule(then);
        }
        if (node instanceof IfNode branch) {
            return new IfRule(branch);
        }
        if (node instanceof IfRowsNode branch) {
            return new IfRowsRule(branch);
        }
        if (node instanceof LoopNode loop) {
            return new LoopRule(loop);
        }
        if (node instanceof BreakNode leave) {
            return new BreakRule(leave);
        }
        if (node instanceof JoinNode join) {
            return new JoinRule(join);
        }
        if (node instanceof RaceNode race) {
            return new RaceRule(race);
        }
        if (node instanceof SleepNode sleep) {
            return new SleepRule(sleep);
        }
        if (node instanceof HttpNode http) {
            return new HttpRule(http);
        }
        if (node instanceof MultipartNode multipart) {
            return new MultipartRule(multipart);
        }
        if (node instanceof WaitScheduleNode schedule) {
            return new ScheduleRule(schedule);
        }
        if (node instanceof RetryNode retry) {
            return new RetryRule(retry);
        }
        if (node instanceof SignalNode signal) {
            return new SignalRule(signal);
        }
        throw new IllegalArgumentException("node " + node.id() + " has no rule: " + node.type());
    }
}
