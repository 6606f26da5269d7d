package dev.perdure.engine;

import dev.perdure.engine.actor.CheckpointCodec;
import dev.perdure.flow.Activation;
import dev.perdure.step.StepPort;
import dev.perdure.store.CheckpointRequest;
import dev.perdure.store.ItemKey;
import dev.perdure.store.Journal;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Hands checkpoints over as they are: what is sent is their number. */
final class SimCodec implements CheckpointCodec {

    private final List<CheckpointRequest> drafts = new ArrayList<>();
    private final SimFaults faults;
    private final long epoch;

    SimCodec(SimFaults faults, long epoch) {
        this.faults = faults;
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
        faults.mayBreak("decision");
        return new Journal.Write(draft.instance(), draft.version(), add(draft), null);
    }

    @Override
    public StepPort.CheckpointedItems ofItems(List<CheckpointRequest> items, long role) {
        String numbers = items.stream().map(this::add).collect(Collectors.joining(" "));
        return new StepPort.CheckpointedItems(
                new byte[0], "", epoch, ItemKey.mapOf(items.get(0).instance()), numbers);
    }

    @Override
    public StepPort.ItemsTarget ofItems(String subject, Activation map, long role) {
        return (first, columns, rows, total) -> new StepPort.FrozenItems(
                new byte[0], 0, subject, map.nodeId(), map.stamp(), first, columns, rows, total);
    }

    @Override
    public StepPort.Checkpointed ofStep(CheckpointRequest draft, long role) {
        return new StepPort.Checkpointed(new byte[0], "", epoch, draft.instance(), draft.version(), add(draft), null);
    }
}
