package dev.perdure.engine.actor;

/** Work that is under way for a node: a statement, a request, a timer, a wait. */
public interface Attempt {

    /** Interrupts the attempt: its result is no longer wanted. From any thread; once. */
    void interrupt();

    /** Whether it is being executed, and does not only wait for that. */
    default boolean isUnderWay() {
        return false;
    }

    /** Whether nothing of it is in flight: its work is committed, or rolled back. */
    default boolean isOver() {
        return true;
    }
}
