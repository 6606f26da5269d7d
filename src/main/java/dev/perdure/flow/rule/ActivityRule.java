package dev.perdure.flow.rule;

import dev.perdure.flow.Activation;
import dev.perdure.flow.Assignment;
import dev.perdure.flow.Running;
import dev.perdure.flow.template.Substitution;
import dev.perdure.graph.ActivityNode;

/** ACTIVITY: a step that a program does. */
record ActivityRule(ActivityNode node) implements AssignmentRule {

    @Override
    public Assignment assignment(Substitution substitution, Running run) {
        return new Assignment(
                new Activation(node.id(), run.stamp()),
                reply(run),
                node.kind(),
                substitution.json(node.payload()),
                new Assignment.Lease(node.leaseMillis(), node.maxAttempts()),
                null);
    }
}
