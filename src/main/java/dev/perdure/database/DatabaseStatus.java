package dev.perdure.database;

import jakarta.inject.Singleton;

/** State of the database, as far as the worker knows, for health checks. */
@Singleton
public class DatabaseStatus {

    /** The states, in the order of a usual life. */
    public enum State {
        /** Not reached yet, or its schema is not migrated yet. */
        STARTING,
        /** Reached and migrated. */
        READY,
        /** It answers, and its commits wait for a synchronous standby. */
        WAITING,
        /** It was {@link #READY} and does not answer. */
        LOST
    }

    /**
     * A state and why.
     *
     * @param detail for people: the server's address, or the last error; without secrets
     */
    public record Current(State state, String detail) {}

    private volatile Current current = new Current(State.STARTING, "not connected yet");

    /** What holds now. */
    public Current current() {
        return current;
    }

    /** Whether the schema has been migrated since the application started. */
    public boolean wasReady() {
        return current.state() != State.STARTING;
    }

    /** Tells everybody who asks. */
    public void set(State state, String detail) {
        current = new Current(state, detail);
    }
}
