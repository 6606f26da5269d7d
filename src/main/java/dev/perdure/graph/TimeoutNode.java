package dev.perdure.graph;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs its body for so long at most, and then something else if there is something ({@code df.timeout}).
 *
 * @param within from when the node begins; null when there is a deadline
 * @param deadline a moment that was known when the instance was started; null when there is a limit
 * @param otherwise runs when the time is over; null: the node fails
 */
public record TimeoutNode(
        String id,
        @Nullable String resultName,
        String body,
        @Nullable Duration within,
        @Nullable Instant deadline,
        @Nullable String otherwise)
        implements Node {

    @Override
    public String type() {
        return "TIMEOUT";
    }

    @Override
    public List<String> children() {
        return otherwise == null ? List.of(body) : List.of(body, otherwise);
    }
}
