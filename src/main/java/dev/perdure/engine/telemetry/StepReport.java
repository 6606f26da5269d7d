package dev.perdure.engine.telemetry;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One attempt at a step, as it ended.
 *
 * @param instance whose step it was
 * @param nodeId the node, eight hex digits
 * @param kind the node's type, such as {@code SQL}
 * @param attempt from 1
 * @param statement what was executed, after substitution; it can contain what users keep secret
 * @param startedAt when execution began, which is after the step got its session's slot
 * @param error why it failed or is tried again; null otherwise
 */
public record StepReport(
        InstanceOrigin instance,
        String nodeId,
        String kind,
        int attempt,
        String statement,
        Instant startedAt,
        Instant endedAt,
        Outcome outcome,
        @Nullable String error) {

    /** The server's time, in which steps are told, is put right now and then, and may step back by the time that an answer took. */
    public StepReport {
        endedAt = endedAt.isBefore(startedAt) ? startedAt : endedAt;
    }

    /** The outcome of an attempt. */
    public enum Outcome {
        /** Its effect and its checkpoint are committed. */
        COMPLETED,
        /** The node has failed. */
        FAILED,
        /** It failed for a reason that may pass; another attempt follows. */
        RETRIED
    }
}
