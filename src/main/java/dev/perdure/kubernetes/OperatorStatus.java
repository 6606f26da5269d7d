package dev.perdure.kubernetes;

import jakarta.inject.Singleton;

/** What health may know of the operator. Thread-safe. */
@Singleton
public class OperatorStatus {

    /** What the operator does. */
    public enum State {
        /** It is switched off, or this is no pod with a service account. */
        OFF,
        /** Another worker leads. */
        STANDBY,
        /** The API server does not answer, or the custom resource definitions are missing; it is tried again. */
        WAITING,
        /** Resources are reconciled. */
        RUNNING
    }

    /**
     * A state and why.
     *
     * @param detail for people
     */
    public record Current(State state, String detail) {}

    private volatile Current current = new Current(State.OFF, "perdure.kubernetes.enabled");

    /** What holds now. */
    public Current current() {
        return current;
    }

    void set(State state, String detail) {
        current = new Current(state, detail);
    }
}
