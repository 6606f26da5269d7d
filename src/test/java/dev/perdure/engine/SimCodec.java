package dev.perdure.engine;

import dev.perdure.engine.actor.CheckpointCodec;
import dev.perdure.step.StepPort;
import dev.perdure.store.CheckpointRequest;
import dev.perdure.store.Journal;
import java.util.ArrayList;
import java.util.List;

/** Hands checkpoints over as they are: what is sent is their number. */
final class SimCodec implements CheckpointCodec {

    private final List<CheckpointRequest> drafts = new ArrayList<>();
    private final long epoch;

    SimCodec(long epoch) {
        this.epoch = epoch;
    }

    CheckpointRequest draft(String state) {
        return drafts.get(Integer.parseInt(state));
    }

    private String add(CheckpointRequest draft) {
        drafts.add(draft);
        return Integer.toString(drafts.size() - 1);
    }

    @Override
    public Journal.Write ofOwner(CheckpointRequest draft) {
        return new Journal.Write(draft.instance(), draft.version(), add(draft), null);
    }

    @Override
    public StepPort.Checkpointed ofStep(CheckpointRequest draft, long role) {
        return new StepPort.Checkpointed(new byte[0], "", epoch, draft.instance(), draft.version(), add(draft), null);
    }
}
