package dev.perdure.flow;

import dev.perdure.flow.result.Result;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Something that happened to an instance. Every event carries the time at which it happened: the interpreter has no clock. */
public sealed interface Event {

    Instant at();

    /** An event of an activation. It decides nothing when the activation is no longer waited for. */
    sealed interface OfActivation extends Event {

        Activation activation();
    }

    /**
     * The instance was loaded into memory, for the first time or again after a crash. The interpreter finds its
     * position from the rows, settles what they already decide and issues the effects that are due.
     */
    record Loaded(Instant at) implements Event {}

    /**
     * A step succeeded.
     *
     * @param executedQuery the text after substitution, for {@code df.nodes.executed_query}
     * @param params JSON array of the values that were bound to the statement; null without
     * @param startedAt when the step's execution began
     * @param attempt which attempt succeeded, from 1
     */
    record StepSucceeded(
            Activation activation,
            Result result,
            String executedQuery,
            @Nullable String params,
            Instant startedAt,
            int attempt,
            Instant at)
            implements OfActivation {

        /** A step without parameters. */
        public StepSucceeded(
                Activation activation,
                Result result,
                String executedQuery,
                Instant startedAt,
                int attempt,
                Instant at) {
            this(activation, result, executedQuery, null, startedAt, attempt, at);
        }
    }

    /**
     * A step failed for good.
     *
     * @param message the whole error text as it is shown to the user
     * @param sqlState SQLSTATE of the failure, when the server named one
     * @param detail what the server said as DETAIL
     * @param remark what else it said
     * @param params JSON array of the values that were bound to the statement; null without
     */
    record StepFailed(
            Activation activation,
            String message,
            @Nullable String sqlState,
            @Nullable String detail,
            Remark remark,
            String executedQuery,
            @Nullable String params,
            Instant startedAt,
            int attempt,
            Instant at)
            implements OfActivation {

        /** A failure without a detail of the server. */
        public StepFailed(
                Activation activation,
                String message,
                @Nullable String sqlState,
                @Nullable String detail,
                String executedQuery,
                @Nullable String params,
                Instant startedAt,
                int attempt,
                Instant at) {
            this(activation, message, sqlState, detail, Remark.NONE, executedQuery, params, startedAt, attempt, at);
        }

        /** A step without parameters. */
        public StepFailed(
                Activation activation,
                String message,
                @Nullable String sqlState,
                String executedQuery,
                Instant startedAt,
                int attempt,
                Instant at) {
            this(activation, message, sqlState, null, executedQuery, null, startedAt, attempt, at);
        }
    }

    /**
     * An HTTP request failed for good.
     *
     * @param message the whole error text as it is shown to the user
     * @param status of the answer; null when none came
     * @param retryAfter the answer's {@code Retry-After}, as it was sent; null without one
     */
    record RequestFailed(
            Activation activation,
            String message,
            @Nullable Integer status,
            @Nullable String retryAfter,
            String executedQuery,
            Instant startedAt,
            int attempt,
            Instant at)
            implements OfActivation {}

    /**
     * A signal came that an {@link Effect.AwaitSignal} asked for.
     *
     * @param signalId {@code df.signals.id}
     * @param data JSON text
     */
    record SignalReceived(Activation activation, long signalId, String data, Instant at) implements OfActivation {}

    /** A timer that an {@link Effect.StartTimer} asked for, or the deadline of an {@link Effect.AwaitSignal}, is due. */
    record TimerFired(Activation activation, Instant at) implements OfActivation {}

    /** The instance was found cancelled. */
    record Cancelled(String reason, Instant at) implements Event {}
}
