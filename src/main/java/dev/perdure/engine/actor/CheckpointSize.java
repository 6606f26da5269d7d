package dev.perdure.engine.actor;

import dev.perdure.store.Journal;

/** The memory of a checkpoint that waits to be written: as text, and as the message to the server. */
public final class CheckpointSize {

    private CheckpointSize() {}

    /** Its bytes, an upper bound. */
    public static long of(Journal.Write write) {
        long chars = write.state().length()
                + (write.also() == null ? 0L : write.also().length());
        return 256 + 3 * chars;
    }
}
