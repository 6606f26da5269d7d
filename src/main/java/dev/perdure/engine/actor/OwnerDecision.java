package dev.perdure.engine.actor;

import dev.perdure.database.Failure;
import dev.perdure.flow.Decision;
import dev.perdure.flow.Event;
import dev.perdure.store.CheckpointRequest;
import dev.perdure.store.Journal;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** A decision that has no transaction of a step to share: the owner writes its checkpoint. Lives in the actor's mailbox. */
final class OwnerDecision {

    private static final Duration WITHOUT_MEMORY = Duration.ofMillis(50);

    private final InstanceActor actor;
    private final ActorContext context;
    private final Event event;
    private final Map<String, String> atLeastOnce;

    OwnerDecision(InstanceActor actor, ActorContext context, Event event, Map<String, String> atLeastOnce) {
        this.actor = actor;
        this.context = context;
        this.event = event;
        this.atLeastOnce = atLeastOnce;
    }

    /** Decides, and asks the owner to write the decision; as {@link Message#handle}. */
    boolean take() {
        if (!actor.isLive()) {
            return true;
        }
        Runnable giveBack = actor.takeForDecision(event);
        if (giveBack == null) {
            context.timers().after(WITHOUT_MEMORY, () -> actor.answer((self, drain) -> take()));
            return false;
        }
        try {
            return decide();
        } finally {
            giveBack.run();
        }
    }

    private boolean decide() {
        Decision decision = actor.interpret(event);
        if (decision.checkpoint().isEmpty()) {
            actor.apply(decision, null);
            return true;
        }
        CheckpointRequest draft = actor.checkpoints()
                .draft(
                        List.of(decision.checkpoint()),
                        atLeastOnce,
                        actor.state().waitingAfter(decision));
        Journal.Write write = actor.checkpoints().forOwner(draft);
        long bytes = CheckpointSize.of(write);
        actor.memory().force(bytes);
        context.writer()
                .write(
                        actor.role(),
                        write,
                        outcome -> actor.answer((self, drain) -> {
                            actor.memory().give(bytes);
                            return written(decision, draft, outcome);
                        }));
        return false;
    }

    private boolean written(Decision decision, CheckpointRequest draft, Journal.Written outcome) {
        if (outcome instanceof Journal.Written.Ok) {
            actor.committed(draft, List.of(decision), null);
            return true;
        }
        if (outcome instanceof Journal.Written.Rejected rejected) {
            return rejected(rejected.failure());
        }
        context.telemetry().checkpointFailed(Failure.Kind.STALE);
        context.actors().stale(actor);
        return true;
    }

    private boolean rejected(Failure failure) {
        context.telemetry().checkpointFailed(failure.kind());
        Event instead = Refused.instead(event, failure);
        if (instead != null) {
            return actor.decide(instead, atLeastOnce);
        }
        String what = event.getClass().getSimpleName();
        context.breakdowns().rejected(actor, "its state cannot be written after " + what + ": " + failure.message());
        return true;
    }
}
