package dev.perdure.flow;

import dev.perdure.flow.result.Result;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The execution part of one row of {@code df.nodes}: the database's knowledge of a node.
 *
 * @param stamp {@code status_details->>'execution_id'}; null when the node was never reached
 * @param canceled {@code status_details} says that the node was interrupted ({@code "canceled"}: reason), so its failure decides nothing
 * @param result the stored result, JSON text; null unless completed or failed
 * @param columns see {@link Result#columns()}
 * @param wakeAt when a waiting node (SLEEP, SIGNAL, a LOOP between rounds) is due
 * @param startedAt when this activation began
 * @param attempt attempts so far
 * @param bindings of a LOOP row: JSON object of the names that earlier rounds bound, each
 *     {@code {"r":<result json>, "c":<columns or null>}}; null when none
 * @param code of a failed row what kind of failure it was ({@code status_details->>'code'}): a SQLSTATE, {@code http:<status>} or
 *     {@code http:error}; null when it has none
 * @param detail of a failed row what else is known of the failure; null when there is nothing
 */
public record NodeRecord(
        NodeStatus status,
        @Nullable String stamp,
        boolean canceled,
        @Nullable String result,
        @Nullable String columns,
        @Nullable Instant wakeAt,
        @Nullable Instant startedAt,
        int attempt,
        @Nullable String bindings,
        @Nullable String code,
        @Nullable String detail) {

    /**
     * The record of a node with a mark of the owner, which says that it runs. The checkpoint's part of the same execution stays: when the
     * node is due, and the names that its rounds have bound. A mark can be written late: a mark of an earlier round must not hide the
     * checkpoint of a later one.
     */
    public NodeRecord marked(NodeRecord mark) {
        if (!Objects.equals(stamp, mark.stamp())) {
            return ActivationId.fences(stamp, mark.stamp()) ? this : mark;
        }
        return new NodeRecord(
                NodeStatus.RUNNING,
                stamp,
                canceled,
                result,
                columns,
                wakeAt,
                mark.startedAt() == null ? startedAt : mark.startedAt(),
                Math.max(attempt, mark.attempt()),
                bindings,
                code,
                detail);
    }
}
