package dev.perdure.flow;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The rows that a decision persists, all in one transaction.
 *
 * @param transitions node rows; at most one per node
 * @param nextExecution the root LOOP begins another execution; null otherwise
 * @param end the instance ends; null while it goes on
 * @param consumed signals that are taken away
 * @param eventWaits waits for events that begin or end
 * @param assignments what programs and people are to decide from now on
 * @param endedMaps maps whose items are over, see {@link #ALL_MAPS}
 * @param compensated whether something was undone, because a saga did not end well
 */
public record Checkpoint(
        List<Transition> transitions,
        @Nullable NextExecution nextExecution,
        @Nullable InstanceEnd end,
        List<Consumption> consumed,
        List<EventWait> eventWaits,
        List<Assignment> assignments,
        List<Activation> endedMaps,
        boolean compensated) {

    /** All maps of the instance. */
    public static final Activation ALL_MAPS = new Activation("*", "*");

    public Checkpoint(List<Transition> transitions, @Nullable NextExecution nextExecution, @Nullable InstanceEnd end) {
        this(transitions, nextExecution, end, List.of(), List.of(), List.of(), List.of(), false);
    }

    public boolean isEmpty() {
        return transitions.isEmpty()
                && nextExecution == null
                && end == null
                && consumed.isEmpty()
                && eventWaits.isEmpty()
                && assignments.isEmpty()
                && endedMaps.isEmpty()
                && !compensated;
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
     * @param code of a failure, see {@link NodeRecord#code()}
     * @param step at which an item of a map has failed; null for all else
     */
    public record InstanceEnd(Status status, String output, @Nullable String code, @Nullable FailedStep step) {

        public InstanceEnd(Status status, String output, @Nullable String code) {
            this(status, output, code, null);
        }

        public InstanceEnd(Status status, String output) {
            this(status, output, null);
        }

        public enum Status {
            COMPLETED,
            FAILED,
            CANCELLED
        }
    }
}
