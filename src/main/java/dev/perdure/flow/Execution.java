package dev.perdure.flow;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** The execution of a step, for its row. */
public record Execution(@Nullable Instant startedAt, int attempt, @Nullable String executedQuery) {}
