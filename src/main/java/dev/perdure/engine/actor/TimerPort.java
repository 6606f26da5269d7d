package dev.perdure.engine.actor;

import java.time.Duration;

/** Runs things later. The task must not block. */
public interface TimerPort {

    /** Runs the task once, unless it is cancelled before. */
    Cancellation after(Duration time, Runnable task);

    /** Takes a task back. */
    @FunctionalInterface
    interface Cancellation {
        void cancel();
    }
}
