package dev.perdure.flow;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A node that was entered and has not ended.
 *
 * @param frameRoot root node of the frame that it runs in; its own id when it opened that frame
 * @param stamp of this activation
 * @param wakeAt TIMER, SIGNAL and LIMITED: when it is due
 * @param branchesLeft JOIN: branches that have not ended
 */
public record Running(
        String frameRoot, String stamp, Phase phase, Instant startedAt, @Nullable Instant wakeAt, int branchesLeft) {

    public enum Phase {
        /** Its children run. */
        COMPOUND,
        /** A step that the engine performs. */
        STEP,
        /** Waits for a time: a SLEEP, or a LOOP between rounds. */
        TIMER,
        /** Its children run, until a time: a TIMEOUT. */
        LIMITED,
        /** The time of a TIMEOUT is over, and its other part runs. */
        OVER,
        /** Its children run, in a slot of a queue: a WITH_QUEUE. */
        IN_SLOT,
        /** Waits until the sagas in it are undone. */
        UNDOING,
        /** Waits for a signal, or for a time when {@code wakeAt} is set. */
        SIGNAL,
        /** Was interrupted before a crash; it never ends. */
        BLOCKED
    }

    public boolean isWaitedFor() {
        return phase == Phase.STEP || phase == Phase.TIMER || phase == Phase.SIGNAL || phase == Phase.LIMITED;
    }

    /** Whether it waits for a time. */
    public boolean isTimed() {
        return wakeAt != null && (phase == Phase.TIMER || phase == Phase.SIGNAL || phase == Phase.LIMITED);
    }

    /** Whether something below it may run. */
    public boolean hasChildren() {
        return phase == Phase.COMPOUND || phase == Phase.LIMITED || phase == Phase.OVER || phase == Phase.IN_SLOT;
    }

    public Running in(Phase next, @Nullable Instant wake) {
        return new Running(frameRoot, stamp, next, startedAt, wake, branchesLeft);
    }

    public Running withBranchesLeft(int left) {
        return new Running(frameRoot, stamp, phase, startedAt, wakeAt, left);
    }
}
