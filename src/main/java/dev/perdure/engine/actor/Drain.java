package dev.perdure.engine.actor;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** One thread's stay in a mailbox. What takes long is done after it, so that the instance can be told of other things. */
public final class Drain {

    /** What this thread does once the work that it is at has returned; null when it is at none. */
    private static final ThreadLocal<@Nullable Deque<Runnable>> UNDER_WAY = new ThreadLocal<>();

    private final Lane lane;
    private final Deque<Runnable> afterwards = new ArrayDeque<>(2);

    Drain(Lane lane) {
        this.lane = lane;
    }

    /** The thread that is here. */
    Lane lane() {
        return lane;
    }

    /** Does this once the thread has left the mailbox, on a thread that may block on a session. */
    public void afterwards(Runnable work) {
        afterwards.add(work);
    }

    /** What is left to do: the last piece on the thread that was here, the others elsewhere. */
    void leave(Lanes lanes) {
        while (!afterwards.isEmpty()) {
            Runnable work = afterwards.poll();
            if (afterwards.isEmpty() && lane == Lane.SESSIONS) {
                goOn(work, lanes);
            } else {
                lanes.onSessionThread(work);
            }
        }
    }

    /** One piece of work brings the next, statement after statement: the outermost call does them all, so that no stack grows with them. */
    private static void goOn(Runnable work, Lanes lanes) {
        Deque<Runnable> outer = UNDER_WAY.get();
        if (outer != null) {
            outer.add(work);
            return;
        }
        Deque<Runnable> next = new ArrayDeque<>(2);
        UNDER_WAY.set(next);
        try {
            for (Runnable one = work; one != null; one = next.poll()) {
                one.run();
            }
        } finally {
            UNDER_WAY.remove();
            next.forEach(lanes::onSessionThread);
        }
    }
}
