package dev.perdure.flow;

import dev.perdure.flow.result.Result;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One node row to be written by a checkpoint. The write is compare-and-set: the row must carry {@code priorStamp}, or
 * {@code stamp} with a status that is not terminal (see {@code df._apply}).
 *
 * @param nodeId the node
 * @param priorStamp the stamp that the row carries as far as memory knows; null when it was never written
 * @param stamp the stamp of this activation
 * @param status RUNNING only for rows that must be durable while they run (timers, LOOP rounds)
 * @param result COMPLETED: the result. Equal results of enclosing nodes are the same object. FAILED: null, the row's
 *     result becomes the error as a JSON string
 * @param error FAILED: the whole error text. RUNNING: how the last attempt of a RETRY failed
 * @param canceled FAILED: non-null when the node was interrupted, with the reason
 * @param wakeAt RUNNING: when it is due
 * @param startedAt when this activation began, null when unknown
 * @param attempt attempts so far, 0 when none counts
 * @param executedQuery the text after substitution; null for control nodes
 * @param params JSON array of the values that were bound to the statement; null without
 * @param bindings see {@link NodeRecord#bindings()}
 * @param code FAILED: see {@link NodeRecord#code()}
 * @param detail FAILED: see {@link NodeRecord#detail()}
 * @param remark of a failed step what the server has said beside its message and DETAIL
 */
public record Transition(
        String nodeId,
        @Nullable String priorStamp,
        String stamp,
        NodeStatus status,
        @Nullable Result result,
        @Nullable String error,
        @Nullable String canceled,
        @Nullable Instant wakeAt,
        @Nullable Instant startedAt,
        int attempt,
        @Nullable String executedQuery,
        @Nullable String params,
        @Nullable String bindings,
        @Nullable String code,
        @Nullable String detail,
        Remark remark) {

    /** A transition without a remark of the server. */
    public Transition(
            String nodeId,
            @Nullable String priorStamp,
            String stamp,
            NodeStatus status,
            @Nullable Result result,
            @Nullable String error,
            @Nullable String canceled,
            @Nullable Instant wakeAt,
            @Nullable Instant startedAt,
            int attempt,
            @Nullable String executedQuery,
            @Nullable String params,
            @Nullable String bindings,
            @Nullable String code,
            @Nullable String detail) {
        this(
                nodeId,
                priorStamp,
                stamp,
                status,
                result,
                error,
                canceled,
                wakeAt,
                startedAt,
                attempt,
                executedQuery,
                params,
                bindings,
                code,
                detail,
                Remark.NONE);
    }
}
