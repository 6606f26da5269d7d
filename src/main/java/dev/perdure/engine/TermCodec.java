package dev.perdure.engine;

import dev.perdure.engine.actor.CheckpointCodec;
import dev.perdure.step.StepPort;
import dev.perdure.store.Authorisation;
import dev.perdure.store.CheckpointEncoder;
import dev.perdure.store.CheckpointRequest;
import dev.perdure.store.CheckpointText;
import dev.perdure.store.Journal;
import dev.perdure.store.Term;

/** Checkpoints of one term: those that a submitter's session writes are authorised by its key. */
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
