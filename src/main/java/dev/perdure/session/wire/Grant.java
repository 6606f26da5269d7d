package dev.perdure.session.wire;

/** Memory that has to be asked for before it is used. */
@FunctionalInterface
public interface Grant {

    /** A grant for data that are small by their nature, such as the answers of our own statements. */
    Grant UNLIMITED = bytes -> true;

    /**
     * Takes bytes.
     *
     * @return false when they cannot be had at this moment
     */
    boolean take(long bytes);

    /** Gives bytes back that were taken and are not needed any more. */
    default void giveBack(long bytes) {}
}
