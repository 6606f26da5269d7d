package dev.perdure.leader;

import dev.perdure.database.ServerIdentity;
import dev.perdure.store.Term;

/** Who works while this process leads. Called on the election's thread. */
public interface LeaderListener {

    /**
     * A term has begun and settled: no checkpoint of an earlier one can be in flight. Must return soon.
     *
     * @param server what the leader's session found
     * @param host which of the configured servers that was, from 0
     */
    void elected(Term term, ServerIdentity server, int host);

    /**
     * This worker stands by, for the first time since it connected: it has time to prepare. Must return soon.
     *
     * @param host which of the configured servers it is connected to, from 0
     */
    void standsBy(int host);

    /** A NOTIFY has arrived: there may be something new to do. Called on an event loop; must not block. */
    void wake();

    /**
     * The term is over. Returns when nothing of it goes on.
     *
     * @param orderly whether the lock is still held, so that short steps may end
     */
    void dismissed(boolean orderly);

    /** The lock has been given back, or was lost: what was kept for the term can be closed without haste. */
    void released();
}
