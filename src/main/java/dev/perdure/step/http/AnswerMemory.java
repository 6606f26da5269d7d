package dev.perdure.step.http;

/** Memory for one answer, as it arrives. What it granted is the caller's to give back. */
@FunctionalInterface
public interface AnswerMemory {

    /**
     * Takes bytes.
     *
     * @return false when they cannot be had at this moment: the rest of the answer waits on its connection
     */
    boolean take(long bytes);

    /** The bytes that one answer can have at most: a larger one is given up at once. */
    default long most() {
        return Long.MAX_VALUE;
    }
}
