package dev.perdure.engine;

import dev.perdure.engine.actor.CheckpointCodec;
import dev.perdure.engine.actor.CheckpointDraft;
import dev.perdure.step.StepPort;
import dev.perdure.store.Journal;
import java.util.ArrayList;
import java.util.List;

/** Hands checkpoints over as they are: what is sent is their number. */
final class SimCodec implements CheckpointCodec {

    private final List<CheckpointDraft> drafts = new ArrayList<>();
    private final long epoch;

    SimCodec(long epoch) {
        this.epoch = epoch;
    }

    CheckpointDraft draft(String state) {
        return drafts.get(Integer.parseInt(state));
    }

    private String add(CheckpointDraft draft) {
        drafts.add(draft);
        return Integer.toString(drafts.size() - 1);
    }

    @Override
    public Journal.Write ofOwner(CheckpointDraft draft) {
        return new Journal.Write(draft.instance(), draft.version(), add(draft), null);
    }

    @Override
    public StepPort.Checkpointed ofStep(CheckpointDraft draft) {
        return new StepPort.Checkpointed(new byte[0], "", epoch, draft.instance(), draft.version(), add(draft), null);
    }
}
