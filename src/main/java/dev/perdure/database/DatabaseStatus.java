package dev.perdure.database;

import org.jspecify.annotations.Nullable;

/** State of a database, as far as the worker knows, for health checks. */
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
        LOST,
        /** It is not served by this process: its URL is wrong, or it is one of the others under a second name. */
        REFUSED
    }

    /**
     * A state and why.
     *
     * @param detail for people: the last error; without secrets, and with the server's address and the owner's name where
     *     the server names them
     */
    public record Current(State state, String detail) {}

    private volatile @Nullable DatabaseUrl url;
    private volatile Current current = new Current(State.STARTING, "not connected yet");

    /** The current status. */
    public Current current() {
        return current;
    }

    /** Says which database it is about. */
    public void isOf(DatabaseUrl database) {
        url = database;
    }

    /** A text about this database for everybody who can reach the worker: it tells neither where the database is nor whose. */
    public String forAnybody(String text) {
        DatabaseUrl known = url;
        return known == null ? text : known.hiddenIn(text);
    }

    /** Whether the schema has been migrated since the application started. */
    public boolean wasReady() {
        return current.state() != State.STARTING && current.state() != State.REFUSED;
    }

    /** Tells everybody who asks. */
    public void set(State state, String detail) {
        current = new Current(state, detail);
    }
}
