package dev.perdure.engine.actor;

/** Threads on which messages are handled. */
public enum Lane {
    /** Few threads that never block: for decisions without a session. */
    DECISIONS,
    /** A thread for each session in use, which may block on that session. It handles messages of the other lane, too. */
    SESSIONS;

    boolean serves(Lane wanted) {
        return this == SESSIONS || wanted == DECISIONS;
    }
}
