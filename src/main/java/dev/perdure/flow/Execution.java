package dev.perdure.flow;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The execution of a step, for its row.
 *
 * @param params JSON array of the values that were bound; null without
 * @param remark what the server said when it failed
 */
public record Execution(
        @Nullable Instant startedAt,
        int attempt,
        @Nullable String executedQuery,
        @Nullable String params,
        Remark remark) {

    /** An execution without parameters. */
    public Execution(@Nullable Instant startedAt, int attempt, @Nullable String executedQuery) {
        this(startedAt, attempt, executedQuery, null);
    }

    /** An execution without a remark of the server. */
    public Execution(
            @Nullable Instant startedAt, int attempt, @Nullable String executedQuery, @Nullable String params) {
        this(startedAt, attempt, executedQuery, params, Remark.NONE);
    }
}
