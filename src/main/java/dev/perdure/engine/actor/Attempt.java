package dev.perdure.engine.actor;

/** Something that is under way for a node: a statement, a request, a timer, a wait. */
public interface Attempt {

    /** It is not wanted any more: what is in flight ends. From any thread; once. */
    void interrupt();

    /** Whether it is being executed, and does not only wait for that. */
    default boolean isUnderWay() {
        return false;
    }

    /** Whether nothing of it is left in flight: what it had done is committed, or rolled back. */
    default boolean isOver() {
        return true;
    }
}
