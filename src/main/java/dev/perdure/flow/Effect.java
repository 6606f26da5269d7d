package dev.perdure.flow;

import dev.perdure.flow.result.Result;
import dev.perdure.flow.template.HttpRequest;
import dev.perdure.flow.template.Statement;
import dev.perdure.graph.ItemPlan;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A task for the engine, started once the decision's checkpoint is committed. */
public sealed interface Effect {

    Activation activation();

    /**
     * Run an SQL statement as the submitter.
     *
     * @param statement after substitution
     * @param attempt number of attempts recorded before this one, 0 when none
     * @param itemsOf the map whose items its rows are: they are written down as such, and its result only says how many; null for any other
     */
    record RunSql(Activation activation, Statement statement, int attempt, @Nullable Activation itemsOf)
            implements Effect {

        public RunSql(Activation activation, Statement statement, int attempt) {
            this(activation, statement, attempt, null);
        }

        /** The text after substitution. */
        public String sql() {
            return statement.sql();
        }
    }

    /**
     * Work on the items of a map. Answered by {@link Event.StepSucceeded} with the numbers of items as its result, or by
     * {@link Event.StepFailed}.
     *
     * @param rows the items, unless they have been written down already
     * @param names that the map sees, and so does each item
     */
    record RunMap(Activation activation, ItemPlan plan, Result rows, Map<String, Result> names) implements Effect {}

    /**
     * Send an HTTP request on behalf of the submitter. Answered by {@link Event.StepSucceeded} with the envelope as its
     * result, or by {@link Event.RequestFailed}.
     *
     * @param step what all attempts of the step have in common, and no other step of the instance (beside the node): the
     *     stamp without the attempts of a retry
     * @param attempt number of attempts recorded before this one, 0 when none
     */
    record SendHttp(Activation activation, HttpRequest request, String step, int attempt) implements Effect {}

    /**
     * Send {@link Event.TimerFired} at the given time (at once when it has passed).
     *
     * @param span what that was from the moment of the decision: never wait longer, however the clock is set meanwhile; null: a moment
     *     of the calendar, which the clock alone tells
     */
    record StartTimer(Activation activation, Instant at, @Nullable Duration span) implements Effect {}

    /**
     * Send {@link Event.SignalReceived} with the oldest signal of that name that nothing has consumed, or else
     * {@link Event.TimerFired} at the deadline.
     *
     * @param deadline null: wait without end
     * @param span what that was from the moment of the decision: never wait longer
     */
    record AwaitSignal(Activation activation, String name, @Nullable Instant deadline, @Nullable Duration span)
            implements Effect {}

    /** Stop a step, a timer or a wait that is no longer wanted; its rows are already part of the checkpoint. */
    record Interrupt(Activation activation, @Nullable String reason) implements Effect {}
}
