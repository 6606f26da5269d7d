package dev.perdure.kubernetes.reconcile;

import dev.perdure.kubernetes.api.WorkflowTemplateSpec;
import dev.perdure.store.SubmittedInstance;
import java.time.Instant;
import java.util.Optional;

/** Deadline at which an instance is cancelled because it takes too long. */
final class Deadline {

    /** The reason given to {@code df.cancel}, by which the cancellation is recognised afterwards. */
    static final String REASON = "activeDeadlineSeconds of the DurableWorkflow is over";

    private Deadline() {}

    static Optional<Instant> of(WorkflowTemplateSpec spec, SubmittedInstance instance) {
        return Optional.ofNullable(spec.activeDeadlineSeconds)
                .map(seconds -> Times.after(instance.createdAt(), seconds));
    }
}
