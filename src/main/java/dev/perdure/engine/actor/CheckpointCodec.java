package dev.perdure.engine.actor;

import dev.perdure.step.StepPort;
import dev.perdure.store.Journal;

/** Makes texts of checkpoints, as the tables take them. */
public interface CheckpointCodec {

    /** For the owner to write. */
    Journal.Write ofOwner(CheckpointDraft draft);

    /** For the session of the step that leads to it. */
    StepPort.Checkpointed ofStep(CheckpointDraft draft);
}
