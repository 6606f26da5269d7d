package dev.perdure.flow;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The execution part of one row of {@code df.nodes}: what the database knows of a node.
 *
 * @param stamp {@code status_details->>'execution_id'}; null when the node was never reached
 * @param canceled {@code status_details} says that the node was interrupted ({@code "canceled"}: reason), so its
 *     failure decides nothing
 * @param result the stored result, JSON text; null unless completed or failed
 * @param columns see {@link Result#columns()}
 * @param wakeAt when a waiting node (SLEEP, SIGNAL, a LOOP between rounds) is due
 * @param startedAt when this activation began
 * @param attempt attempts so far
 * @param bindings of a LOOP row: JSON object of the names that earlier rounds bound, each {@code {"r":<result json>,
 *     "c":<columns or null>}}; null when none
 * @param code of a failed row what kind of failure it was ({@code status_details->>'code'}): a SQLSTATE,
 *     {@code http:<status>} or {@code http:error}; null when it has none
 */
public record Recorded(
        NodeStatus status,
        @Nullable String stamp,
        boolean canceled,
        @Nullable String result,
        @Nullable String columns,
        @Nullable Instant wakeAt,
        @Nullable Instant startedAt,
        int attempt,
        @Nullable String bindings,
        @Nullable String code) {}
