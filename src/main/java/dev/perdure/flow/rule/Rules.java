package dev.perdure.flow.rule;

import dev.perdure.flow.Rule;
import dev.perdure.graph.ActivityNode;
import dev.perdure.graph.ApprovalNode;
import dev.perdure.graph.BreakNode;
import dev.perdure.graph.CallNode;
import dev.perdure.graph.CatchNode;
import dev.perdure.graph.ConditionWaitNode;
import dev.perdure.graph.EventWaitNode;
import dev.perdure.graph.HttpNode;
import dev.perdure.graph.IfNode;
import dev.perdure.graph.IfRowsNode;
import dev.perdure.graph.ItemNode;
import dev.perdure.graph.JoinNode;
import dev.perdure.graph.LoopNode;
import dev.perdure.graph.MapNode;
import dev.perdure.graph.MultipartNode;
import dev.perdure.graph.Node;
import dev.perdure.graph.RaceNode;
import dev.perdure.graph.RetryNode;
import dev.perdure.graph.SagaNode;
import dev.perdure.graph.SectionNode;
import dev.perdure.graph.SignalNode;
import dev.perdure.graph.SleepNode;
import dev.perdure.graph.SqlNode;
import dev.perdure.graph.ThenNode;
import dev.perdure.graph.TimeoutNode;
import dev.perdure.graph.UndoNode;
import dev.perdure.graph.WaitScheduleNode;

/** The rule of each type of node: the one place that asks for the type. */
public final class Rules {

    private Rules() {}

    /** The rule of a node. A node type of a later version is added here, in a class of its own. */
    public static Rule of(Node node) {
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
        if (node instanceof ConditionWaitNode wait) {
            return new ConditionWaitRule(wait);
        }
        if (node instanceof EventWaitNode wait) {
            return new EventWaitRule(wait);
        }
        if (node instanceof CatchNode guarded) {
            return new CatchRule(guarded);
        }
        if (node instanceof TimeoutNode limited) {
            return new TimeoutRule(limited);
        }
        if (node instanceof SagaNode saga) {
            return new SagaRule(saga);
        }
        if (node instanceof UndoNode step) {
            return new UndoRule(step);
        }
        if (node instanceof MapNode map) {
            return new MapRule(map);
        }
        if (node instanceof CallNode call) {
            return new CallRule(call);
        }
        if (node instanceof ActivityNode activity) {
            return new ActivityRule(activity);
        }
        if (node instanceof ApprovalNode approval) {
            return new ApprovalRule(approval);
        }
        if (node instanceof SectionNode section) {
            return new SectionRule(section);
        }
        if (node instanceof ItemNode item) {
            return new ItemRule(item);
        }
        throw new IllegalArgumentException("node " + node.id() + " has no rule: " + node.type());
    }
}
