package dev.perdure.flow;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A node that was entered and has not ended.
 *
 * @param frameRoot root node of the frame that it runs in; its own id when it opened that frame
 * @param stamp of this activation
 * @param wakeAt TIMER and SIGNAL: when it is due
 * @param branchesLeft JOIN: branches that have not ended
 */
record Running(
        String frameRoot, String stamp, Phase phase, Instant startedAt, @Nullable Instant wakeAt, int branchesLeft) {

    enum Phase {
        /** Its children run. */
        COMPOUND,
        /** A step that the engine performs. */
        STEP,
        /** Waits for a time: a SLEEP, or a LOOP between rounds. */
        TIMER,
        /** Waits for a signal, and for a time when {@code wakeAt} is set. */
        SIGNAL,
        /** Was interrupted before a crash; it never ends. */
        BLOCKED
    }

    boolean isWaitedFor() {
        return phase == Phase.STEP || phase == Phase.TIMER || phase == Phase.SIGNAL;
    }

    /** Whether it waits for a time. */
    boolean isTimed() {
        return wakeAt != null && (phase == Phase.TIMER || phase == Phase.SIGNAL);
    }

    Running in(Phase next, @Nullable Instant wake) {
        return new Running(frameRoot, stamp, next, startedAt, wake, branchesLeft);
    }

    Running withBranchesLeft(int left) {
        return new Running(frameRoot, stamp, phase, startedAt, wakeAt, left);
    }
}
