package dev.perdure.flow;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a decision persists, all of it in one transaction.
 *
 * @param transitions node rows; at most one per node
 * @param nextExecution the root LOOP begins another execution; null otherwise
 * @param end the instance ends; null while it goes on
 * @param consumed signals that are taken away
 */
public record Checkpoint(
        List<Transition> transitions,
        @Nullable NextExecution nextExecution,
        @Nullable InstanceEnd end,
        List<Consumption> consumed) {

    public Checkpoint(List<Transition> transitions, @Nullable NextExecution nextExecution, @Nullable InstanceEnd end) {
        this(transitions, nextExecution, end, List.of());
    }

    public boolean isEmpty() {
        return transitions.isEmpty() && nextExecution == null && end == null && consumed.isEmpty();
    }

    /**
     * A new execution of a root LOOP (specification 4.7).
     *
     * @param number the new execution's number, from 2
     * @param startsAt when it begins
     * @param previousOutput the ended execution's output text
     */
    public record NextExecution(long number, Instant startsAt, @Nullable String previousOutput) {}

    /**
     * The end of an instance.
     *
     * @param output completed: the raw result text. Failed: the error. Cancelled: {@code canceled: <reason>}
     */
    public record InstanceEnd(Status status, String output) {
        public enum Status {
            COMPLETED,
            FAILED,
            CANCELLED
        }
    }
}
