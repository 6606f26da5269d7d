package dev.perdure.leader;

import dev.perdure.database.ServerIdentity;
import dev.perdure.store.Term;
import java.util.function.BooleanSupplier;

/** Listener for the terms of this process. Called on the election's thread. */
public interface LeaderListener {

    /**
     * A term has begun. Checkpoints of earlier ones may still be in flight: each meets the next decision of its instance at the
     * version that it takes. Must return soon.
     *
     * @param server what the leader's session found
     * @param host which of the configured servers that was, from 0
     */
    void elected(Term term, ServerIdentity server, int host);

    /**
     * The term is over. Returns when nothing of it goes on.
     *
     * @param orderly whether the lock is still held, so that short steps may end
     */
    void dismissed(boolean orderly);

    /**
     * The same, for a listener that waits for a scarce resource.
     *
     * @param stillLeads whether the lock is held, which may end at any time: then nothing is waited for any more
     */
    default void dismissed(BooleanSupplier stillLeads) {
        dismissed(stillLeads.getAsBoolean());
    }

    /** The lock has been given back, or was lost: resources of the term can be closed without haste. */
    void released();
}
