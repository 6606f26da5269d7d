package dev.perdure.flow;

import dev.perdure.graph.Node;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The behaviour of one type of node: when it is entered, when a child of it ends, and on an event; and answers to questions of the
 * interpreter. One class per type, in {@code flow.rule}. A rule holds no state: it reads and writes through the {@link DecisionBuilder}.
 */
public interface Rule {

    /**
     * Called when the node was entered.
     *
     * @param row its row, when memory was just loaded and the row belongs to this activation; null otherwise
     */
    void enter(DecisionBuilder decision, Running run, @Nullable NodeRecord row);

    /** Called when a child ended. */
    default void childEnded(DecisionBuilder decision, Running run, Node child, Outcome outcome) {
        throw new IllegalStateException("node " + run.stamp() + " has no child " + child.id());
    }

    /** Called when the step or timer of this node brought an event. An event that it does not wait for is ignored. */
    default void happened(DecisionBuilder decision, Running run, Event event) {}

    /** Called when the sagas in the node are undone, as far as possible: see {@link Compensation#undo}. */
    default void undone(DecisionBuilder decision, Running run) {
        throw new IllegalStateException("node " + run.stamp() + " undoes nothing");
    }

    /** The node below which sagas are undone. */
    default String undoneBelow(String self) {
        return self;
    }

    /** The phase in which it goes on then. */
    default Running.Phase phaseWhenUndone() {
        return Running.Phase.COMPOUND;
    }

    // ---- frames

    /** Whether the node owns the frame that it is the root of, wherever it stands. */
    default boolean opensFrame() {
        return false;
    }

    /**
     * The frame that it is the root of.
     *
     * @param first the stamp of its first generation
     */
    default Frame open(DecisionBuilder decision, ActivationId first) {
        return Frame.open(first, decision.at(), null);
    }

    /** Whether its rounds are the executions of the instance, when it is the root. */
    default boolean countsExecutions() {
        return false;
    }

    /** The first generation of the frame that it is the root of, as the root of an instance in that execution. */
    default long firstGeneration(long execution) {
        return execution;
    }

    /** Whether its children run beside each other, each in a frame of its own. */
    default boolean isBranching() {
        return false;
    }

    /** The names, or other values, that its row keeps for a load after a crash once it has ended; null when it keeps none. */
    default @Nullable String bindings(Running run, Frame frame) {
        return null;
    }

    // ---- how it ends

    /** The outcome of its success where it stands, which can be a failure. */
    default Outcome judged(DecisionBuilder decision, Outcome.Succeeded success) {
        return success;
    }

    /** Whether an answer with that status is a failure of a request below this node. */
    default boolean failsOnStatus(int status) {
        return false;
    }

    /** Called when it ended as a branch, and failed the node of that branch. */
    default void failedAsBranch(DecisionBuilder decision, Outcome.Failed failure) {}

    /** Whether its own row says so when it is interrupted as a whole, in its first generation, while its children run. */
    default boolean recordsInterruption() {
        return false;
    }

    /** The text of the node when it is interrupted for a reason. */
    default String interrupted(String reason) {
        return reason;
    }

    /** Whether it has items, a child or a place in a queue, which are decided elsewhere and end with it. */
    default boolean hasItems() {
        return false;
    }

    /**
     * Whether it finds its position after a crash even when it was interrupted with the node around it, because names of its children are
     * seen outside of it. It never ends then.
     */
    default boolean isEnteredWhenInterrupted() {
        return false;
    }

    // ---- what is known of it before it runs

    /** Its children, when it runs them one after the other whatever their results; empty otherwise. */
    default List<String> sequence() {
        return List.of();
    }

    /** The statement that it runs, before substitution; null when it runs none. */
    default @Nullable String statement() {
        return null;
    }

    /** Whether the generations of its frame are attempts at the same thing, and not rounds. */
    default boolean countsAttempts() {
        return false;
    }

    /** The generation of the first attempt before a generation, where generations are attempts. */
    default long firstAttempt(long generation) {
        return generation;
    }
}
