package dev.perdure.session.wire;

import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Answers to statements that were sent together.
 *
 * @param done of those that succeeded, in order
 * @param failure of the one behind them; null when all succeeded
 * @param refusal why not all rows of the one behind them were kept; null when they were
 */
public record Replies(List<Reply> done, @Nullable SQLException failure, PackedRows.@Nullable Refusal refusal) {}
