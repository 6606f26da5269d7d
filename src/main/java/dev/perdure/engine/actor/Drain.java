package dev.perdure.engine.actor;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** One thread's stay in a mailbox. Long work is done after it, so that the instance can handle other messages. */
public final class Drain {

    /** The next work of this thread, after the work that it runs now; null when it runs none. */
    private static final ThreadLocal<@Nullable Deque<Runnable>> UNDER_WAY = new ThreadLocal<>();

    private final Lane lane;
    private final Deque<Runnable> afterwards = new ArrayDeque<>(2);

    Drain(Lane lane) {
        this.lane = lane;
    }

    /** The lane of the thread. */
    Lane lane() {
        return lane;
    }

    /** Runs work once the thread has left the mailbox, on a thread that may block on a session. */
    public void afterwards(Runnable work) {
        afterwards.add(work);
    }

    /** Runs the work that is left: the last piece on this thread, the others elsewhere. */
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

    /** Runs work and the work that it brings, statement after statement, in the outermost call, so that no stack grows. */
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
