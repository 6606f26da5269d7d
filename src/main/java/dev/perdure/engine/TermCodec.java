package dev.perdure.engine;

import dev.perdure.engine.actor.CheckpointCodec;
import dev.perdure.flow.Activation;
import dev.perdure.step.StepPort;
import dev.perdure.store.Authorisation;
import dev.perdure.store.CheckpointEncoder;
import dev.perdure.store.CheckpointRequest;
import dev.perdure.store.CheckpointText;
import dev.perdure.store.ItemKey;
import dev.perdure.store.Journal;
import dev.perdure.store.Term;
import java.util.List;

/** Texts of the checkpoints of one term. The term's key authorises those that a submitter's session writes. */
final class TermCodec implements CheckpointCodec {

    private final Term term;

    TermCodec(Term term) {
        this.term = term;
    }

    @Override
    public Journal.Write ofOwner(CheckpointRequest request) {
        return CheckpointEncoder.encode(request).write();
    }

    @Override
    public StepPort.CheckpointedItems ofItems(List<CheckpointRequest> items, long role) {
        String map = ItemKey.mapOf(items.get(0).instance());
        String done = CheckpointEncoder.encodeItems(items);
        Authorisation authorisation = term.authorise(map, done, role);
        return new StepPort.CheckpointedItems(authorisation.token(), authorisation.receipt(), term.epoch(), map, done);
    }

    @Override
    public StepPort.ItemsTarget ofItems(String subject, Activation map, long role) {
        return (first, columns, rows, total) -> {
            Journal.FreezeItems items =
                    new Journal.FreezeItems(subject, map.nodeId(), map.stamp(), first, columns, rows, total);
            return new StepPort.FrozenItems(
                    term.authorise(items, role),
                    term.epoch(),
                    subject,
                    map.nodeId(),
                    map.stamp(),
                    first,
                    columns,
                    rows,
                    total);
        };
    }

    @Override
    public StepPort.Checkpointed ofStep(CheckpointRequest request, long role) {
        CheckpointText text = CheckpointEncoder.encode(request);
        Authorisation authorisation = term.authorise(text, role);
        return new StepPort.Checkpointed(
                authorisation.token(),
                authorisation.receipt(),
                term.epoch(),
                text.instance(),
                text.version(),
                text.state(),
                text.also());
    }
}
