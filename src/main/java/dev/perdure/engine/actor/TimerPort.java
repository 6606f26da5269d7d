package dev.perdure.engine.actor;

import java.time.Duration;

/** Runs tasks later. They must not block. */
public interface TimerPort {

    /** Runs the task once, unless it is cancelled before. */
    Cancellation after(Duration time, Runnable task);

    /** Cancels a task. */
    @FunctionalInterface
    interface Cancellation {
        void cancel();
    }
}
