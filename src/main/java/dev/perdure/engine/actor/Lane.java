package dev.perdure.engine.actor;

/** Threads on which messages are handled. */
public enum Lane {
    /** Few threads that never block: for what is decided without a session. */
    DECISIONS,
    /** A thread for each session that is in use; it may block on that session. Handles what the other lane does, too. */
    SESSIONS;

    boolean serves(Lane wanted) {
        return this == SESSIONS || wanted == DECISIONS;
    }
}
