package dev.perdure.engine.actor;

import dev.perdure.flow.Activation;
import dev.perdure.step.StepPort;
import dev.perdure.store.CheckpointRequest;
import dev.perdure.store.Journal;
import java.util.List;

/** Encodes checkpoints as the texts that the tables take. */
public interface CheckpointCodec {

    /** The text for the owner. */
    Journal.Write ofOwner(CheckpointRequest draft);

    /**
     * The text for the session of the step that leads to the checkpoint.
     *
     * @param role oid of the submitter, who the session is logged in as
     */
    StepPort.Checkpointed ofStep(CheckpointRequest draft, long role);

    /**
     * The text for items of one map that complete together.
     *
     * @param role oid of the submitter
     */
    StepPort.CheckpointedItems ofItems(List<CheckpointRequest> items, long role);

    /**
     * The permission for a step's session to write down the items of a map, which it reads.
     *
     * @param subject instance, or key of an item, that the map belongs to
     */
    StepPort.ItemsTarget ofItems(String subject, Activation map, long role);
}
