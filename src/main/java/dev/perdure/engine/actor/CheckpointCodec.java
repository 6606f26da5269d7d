package dev.perdure.engine.actor;

import dev.perdure.step.StepPort;
import dev.perdure.store.CheckpointRequest;
import dev.perdure.store.Journal;

/** Makes texts of checkpoints, as the tables take them. */
public interface CheckpointCodec {

    /** For the owner to write. */
    Journal.Write ofOwner(CheckpointRequest draft);

    /**
     * For the session of the step that leads to it.
     *
     * @param role oid of the submitter, who the session is logged in as
     */
    StepPort.Checkpointed ofStep(CheckpointRequest draft, long role);
}
