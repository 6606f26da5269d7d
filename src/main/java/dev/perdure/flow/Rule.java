package dev.perdure.flow;

import dev.perdure.graph.Node;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The behaviour of one type of node: when it is entered, when a child of it ends, and when something happened to it; and its
 * questions to the interpreter. One class per type, in {@code flow.rule}. A rule holds no state: it reads and writes through
 * the {@link DecisionBuilder}.
 */
public interface Rule {

    /**
     * The node was entered.
     *
     * @param row its row, when memory was just loaded and the row belongs to this activation; null otherwise
     */
    void enter(DecisionBuilder decision, Running run, @Nullable NodeRecord row);

    /** A child ended. */
    default void childEnded(DecisionBuilder decision, Running run, Node child, Outcome outcome) {
        throw new IllegalStateException("node " + run.stamp() + " has no child " + child.id());
    }

    /** The step or timer of this node brought something. What it does not wait for is ignored. */
    default void happened(DecisionBuilder decision, Running run, Event event) {}

    /** What sagas in it had to undo is undone, as far as it could be: see {@link Compensation#undo}. */
    default void undone(DecisionBuilder decision, Running run) {
        throw new IllegalStateException("node " + run.stamp() + " undoes nothing");
    }

    /** Below which node that is. */
    default String undoneBelow(String self) {
        return self;
    }

    /** In which phase it goes on then. */
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

    /** Whether its rounds are the executions of an instance that it is all of. */
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

    /** The names, or what else has to be known after a crash, that its row keeps when it has ended; null when it keeps none. */
    default @Nullable String bindings(Running run, Frame frame) {
        return null;
    }

    // ---- how it ends

    /** What its success means where it stands: a failure now and then. */
    default Outcome judged(DecisionBuilder decision, Outcome.Succeeded success) {
        return success;
    }

    /** Whether an answer with that status is a failure of a request below this node. */
    default boolean failsOnStatus(int status) {
        return false;
    }

    /** Ended as a branch, and failed what it is a branch of. */
    default void failedAsBranch(DecisionBuilder decision, Outcome.Failed failure) {}

    /** Whether its own row says so when it is interrupted as a whole, in its first generation, while its children run. */
    default boolean recordsInterruption() {
        return false;
    }

    /** What the node says that is interrupted for a reason. */
    default String interrupted(String reason) {
        return reason;
    }

    /** Whether it has items, a child or a place in a queue: what is decided elsewhere and ends with it. */
    default boolean hasItems() {
        return false;
    }

    /**
     * Whether it finds its position after a crash also when it was interrupted with what it stands in: what its children have bound is seen
     * outside of it. It never ends then.
     */
    default boolean isEnteredWhenInterrupted() {
        return false;
    }

    // ---- what is known of it before it runs

    /** Its children, when it runs one after the other and decides nothing by what they bring; empty otherwise. */
    default List<String> sequence() {
        return List.of();
    }

    /** The statement that it runs, before anything is put into it; null when it runs none. */
    default @Nullable String statement() {
        return null;
    }

    /** Whether the generations of its frame are attempts at the same thing, and not rounds. */
    default boolean countsAttempts() {
        return false;
    }

    /** Where they are attempts, the generation of the first one that a generation comes after. */
    default long firstAttempt(long generation) {
        return generation;
    }
}
