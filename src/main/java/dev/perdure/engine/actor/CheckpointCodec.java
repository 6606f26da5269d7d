package dev.perdure.engine.actor;

import dev.perdure.flow.Activation;
import dev.perdure.step.StepPort;
import dev.perdure.store.CheckpointRequest;
import dev.perdure.store.Journal;
import java.util.List;

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

    /**
     * Items of one map that end well together.
     *
     * @param role oid of the submitter
     */
    StepPort.CheckpointedItems ofItems(List<CheckpointRequest> items, long role);

    /**
     * Where the items of a map are written down by the session of the step that reads them.
     *
     * @param subject instance, or key of an item, that the map belongs to
     */
    StepPort.ItemsTarget ofItems(String subject, Activation map, long role);
}
