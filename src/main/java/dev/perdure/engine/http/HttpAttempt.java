package dev.perdure.engine.http;

import dev.perdure.engine.actor.Attempt;
import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.queue.MemoryQuota;
import dev.perdure.engine.telemetry.StepReport;
import dev.perdure.flow.Activation;
import dev.perdure.flow.Effect;
import dev.perdure.step.http.AnswerMemory;
import dev.perdure.step.http.HttpPort;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** One attempt at a request: it waits for a slot, or is under way. */
final class HttpAttempt implements Attempt {

    private final InstanceActor actor;
    private final Effect.SendHttp effect;
    private final String nodeType;
    private final MemoryQuota.Holding memory;
    private final long wanted;
    private final AtomicBoolean slotHeld = new AtomicBoolean();
    private volatile Instant startedAt = Instant.EPOCH;
    private HttpPort.@Nullable Sent exchange;
    private boolean interrupted;

    /**
     * One that waits.
     *
     * @param wanted bytes that are taken for its answer before it is sent; 0: as it arrives
     */
    HttpAttempt(InstanceActor actor, Effect.SendHttp effect, MemoryQuota.Holding memory, long wanted) {
        this.actor = actor;
        this.effect = effect;
        this.wanted = wanted;
        this.memory = memory;
        this.nodeType = actor.state().graph().node(effect.activation().nodeId()).type();
    }

    InstanceActor actor() {
        return actor;
    }

    Effect.SendHttp effect() {
        return effect;
    }

    Activation activation() {
        return effect.activation();
    }

    /** Bytes of its answer. */
    MemoryQuota.Holding memory() {
        return memory;
    }

    /** Takes the memory that it needs before it is sent; false when that cannot be had now. */
    boolean reserve() {
        return wanted == 0 || memory.bytes() > 0 || memory.take(wanted);
    }

    /** Bytes that it wants before it is sent; 0 for one that takes them as they arrive. */
    long wanted() {
        return wanted;
    }

    AnswerMemory memoryOfAnswer() {
        return new AnswerMemory() {
            private long free = memory.bytes();

            /** Takes bytes, reserved ones first. In the one thread of its exchange. */
            @Override
            public boolean take(long bytes) {
                if (bytes > free && !memory.take(bytes - free)) {
                    return false;
                }
                free = Math.max(0, free - bytes);
                return true;
            }

            @Override
            public long most() {
                return memory.most();
            }
        };
    }

    /** The number of this attempt, from 1. */
    int number() {
        return effect.attempt() + 1;
    }

    /** The time at which it got its slot, by the server's clock. */
    Instant startedAt() {
        return startedAt;
    }

    void begins(Instant now) {
        startedAt = now;
        slotHeld.set(true);
    }

    /** Whether there is a slot to give back; true once only. */
    boolean giveSlotBack() {
        return slotHeld.compareAndSet(true, false);
    }

    /** The request is under way, and an interruption ends it: at once when it came before. */
    synchronized void sentAs(HttpPort.Sent sent) {
        exchange = sent;
        if (interrupted) {
            sent.cancel();
        }
    }

    @Override
    public synchronized void interrupt() {
        interrupted = true;
        if (exchange != null) {
            exchange.cancel();
        }
    }

    @Override
    public boolean isUnderWay() {
        return slotHeld.get();
    }

    /** Whether somebody still waits for its outcome. */
    synchronized boolean isWanted() {
        return !interrupted && actor.mayBegin(effect.activation().nodeId());
    }

    /** The attempt, as it ended. */
    StepReport report(StepReport.Outcome outcome, @Nullable String error, Instant now) {
        Instant begun = startedAt.equals(Instant.EPOCH) ? now : startedAt;
        return new StepReport(
                actor.origin(),
                activation().nodeId(),
                nodeType,
                number(),
                effect.request().text(),
                begun,
                now,
                outcome,
                error);
    }

    @Override
    public String toString() {
        return "instance " + actor.id() + ", node " + activation().nodeId();
    }
}
