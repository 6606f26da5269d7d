package dev.perdure.engine.actor;

import dev.perdure.engine.queue.MemoryQuota;
import dev.perdure.flow.Decision;
import dev.perdure.flow.Effect;
import dev.perdure.flow.Event;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.template.TextLimits;
import org.jspecify.annotations.Nullable;

/** The memory that a decision takes, and the bytes that it leaves there. */
final class DecisionMemory {

    /** Bytes of an instance from which its decisions may need much memory, too. */
    private static final long HEAVY = 1024 * 1024;

    private DecisionMemory() {}

    /**
     * Takes memory when a decision may need much: results are taken apart, and texts made of them.
     *
     * <p>One decision at a time gets it in any case: its instance may be the one that fills the memory for which others of the role wait.
     *
     * @return gives it back; null when it cannot be had now
     */
    static @Nullable Runnable take(MemoryQuota.Holding memory, MemoryQuota quota, Event event) {
        String came = event instanceof Event.StepSucceeded step
                ? step.result().json()
                : event instanceof Event.SignalReceived signal ? signal.data() : "";
        if (memory.bytes() < HEAVY && came.length() < HEAVY / 16) {
            return () -> {};
        }
        // What has come is taken apart as a whole; what a text takes apart of what is held is bounded with it
        // (TextLimits).
        long weight = Json.weight(came);
        long texts = memory.bytes() < HEAVY && came.length() < HEAVY / 4 ? 0 : 2L * TextLimits.DEFAULT.made();
        long needed = Math.min(quota.most(), Math.max(weight, Math.min(quota.most() / 2, texts + weight)));
        if (memory.take(needed)) {
            return () -> memory.give(needed);
        }
        if (!quota.takeTurn()) {
            return null;
        }
        memory.force(needed);
        return () -> {
            memory.give(needed);
            quota.endTurn();
        };
    }

    /** Bytes of long statements and requests that a decision starts. */
    static long ofTexts(Decision decision) {
        long chars = 0;
        for (Effect effect : decision.effects()) {
            if (effect instanceof Effect.RunSql run) {
                chars += run.statement().length();
            } else if (effect instanceof Effect.SendHttp send) {
                chars += send.request().length();
            }
        }
        return chars < HEAVY / 16 ? 0 : 4 * chars;
    }
}
