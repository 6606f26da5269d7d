package dev.perdure.flow;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A node that begins to wait for a program or a person to decide it, as they see it.
 *
 * @param activation of the node
 * @param reply the name of the signal that ends it
 * @param kind by which programs ask for it; the title of what people are asked
 * @param payload JSON text; null when there is none
 * @param lease how a program may claim it; null: people decide
 * @param approval who decides; null: a program does
 * @param isUndo whether it belongs to what undoes a step, which goes on when the instance is cancelled
 */
public record Assignment(
        Activation activation,
        String reply,
        String kind,
        @Nullable String payload,
        @Nullable Lease lease,
        @Nullable Approval approval,
        boolean isUndo) {

    /** An assignment that undoes nothing. */
    public Assignment(
            Activation activation,
            String reply,
            String kind,
            @Nullable String payload,
            @Nullable Lease lease,
            @Nullable Approval approval) {
        this(activation, reply, kind, payload, lease, approval, false);
    }

    /** The same assignment, as a part of an undo. */
    Assignment undoing() {
        return new Assignment(activation, reply, kind, payload, lease, approval, true);
    }

    /**
     * The rules of a claim.
     *
     * @param millis how long a claim lasts without being extended
     * @param maxAttempts how often it is claimed at most
     */
    public record Lease(long millis, int maxAttempts) {}

    /**
     * The rules of an approval.
     *
     * @param assignees roles whose members may decide
     * @param quorum how many have to decide the same
     * @param notSubmitter whether the role that has started the workflow may not decide
     */
    public record Approval(List<String> assignees, int quorum, boolean notSubmitter) {}
}
