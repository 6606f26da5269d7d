package dev.perdure.flow.rule;

import dev.perdure.flow.Activation;
import dev.perdure.flow.Assignment;
import dev.perdure.flow.Running;
import dev.perdure.flow.template.Substitution;
import dev.perdure.flow.template.SubstitutionException;
import dev.perdure.graph.ApprovalNode;
import java.nio.charset.StandardCharsets;

/** APPROVAL: a decision of people. */
record ApprovalRule(ApprovalNode node) implements AssignmentRule {

    private static final int LONGEST_TITLE = 1024;

    @Override
    public Assignment assignment(Substitution substitution, Running run) {
        String title = substitution.raw(node.title());
        if (title.isBlank() || title.getBytes(StandardCharsets.UTF_8).length > LONGEST_TITLE) {
            throw new SubstitutionException("The title of an approval has 1 to " + LONGEST_TITLE + " bytes, not "
                    + title.getBytes(StandardCharsets.UTF_8).length);
        }
        return new Assignment(
                new Activation(node.id(), run.stamp()),
                reply(run),
                title,
                node.payload() == null ? null : substitution.json(node.payload()),
                null,
                new Assignment.Approval(
                        node.assignees().stream().map(substitution::raw).toList(), node.quorum(), node.notSubmitter()));
    }
}
