package dev.perdure.engine.actor;

import java.util.ArrayDeque;
import java.util.Deque;

/** One thread's stay in a mailbox. What takes long is done after it, so that the instance can be told of other things. */
public final class Drain {

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
                work.run();
            } else {
                lanes.onSessionThread(work);
            }
        }
    }
}
