package dev.perdure.engine;

import dev.perdure.flow.Activation;
import dev.perdure.flow.Effect;
import dev.perdure.step.http.Exchange;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** One HTTP request that is to be sent, or is under way. */
final class RequestTask {

    private final LiveInstance instance;
    private final Effect.SendHttp effect;
    private final AtomicBoolean slotHeld = new AtomicBoolean();
    private volatile Instant startedAt = Instant.EPOCH;
    private @Nullable Exchange exchange;
    private boolean interrupted;

    RequestTask(LiveInstance instance, Effect.SendHttp effect) {
        this.instance = instance;
        this.effect = effect;
    }

    LiveInstance instance() {
        return instance;
    }

    Effect.SendHttp effect() {
        return effect;
    }

    Activation activation() {
        return effect.activation();
    }

    /** Which attempt this is, from 1. */
    int attempt() {
        return effect.attempt() + 1;
    }

    /** When the request left the queue. */
    Instant startedAt() {
        return startedAt;
    }

    void started(Instant now) {
        startedAt = now;
        slotHeld.set(true);
    }

    /** Whether there is a slot to give back; true once only. */
    boolean giveSlotBack() {
        return slotHeld.compareAndSet(true, false);
    }

    /** The request is under way, and an interruption ends it: at once when it came before. */
    synchronized void sentAs(Exchange sent) {
        exchange = sent;
        if (interrupted) {
            sent.cancel();
        }
    }

    /** The request is not wanted any more. */
    synchronized void interrupt() {
        interrupted = true;
        if (exchange != null) {
            exchange.cancel();
        }
    }

    synchronized boolean isInterrupted() {
        return interrupted;
    }

    /** This attempt, as it ended. */
    StepReport report(StepReport.Outcome outcome, @Nullable String error, Instant now) {
        Instant begun = startedAt.equals(Instant.EPOCH) ? now : startedAt;
        return new StepReport(
                instance.origin(),
                activation().nodeId(),
                instance.state().graph().node(activation().nodeId()).type(),
                attempt(),
                effect.request().text(),
                begun,
                now,
                outcome,
                error);
    }

    @Override
    public String toString() {
        return "instance " + instance.id() + ", node " + activation().nodeId();
    }
}
