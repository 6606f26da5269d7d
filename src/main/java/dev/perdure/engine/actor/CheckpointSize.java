package dev.perdure.engine.actor;

import dev.perdure.store.Journal;

/** What the text of a checkpoint takes in memory, while it waits to be written: as text, and as what is sent. */
public final class CheckpointSize {

    private CheckpointSize() {}

    /** Bytes, never less than they are. */
    public static long of(Journal.Write write) {
        long chars = write.state().length()
                + (write.also() == null ? 0L : write.also().length());
        return 256 + 3 * chars;
    }
}
