package dev.perdure.engine.actor;

import dev.perdure.flow.Decision;
import dev.perdure.flow.Effect;
import dev.perdure.flow.InstanceState;
import dev.perdure.store.CheckpointRequest;
import dev.perdure.store.Park;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * An item of a map that consists of one statement, and shares the transaction of another item of the map. It has no actor of its own.
 *
 * @param state in which its statement is all that there is to do
 */
public record Companion(CheckpointRequest.Item item, InstanceState state, Effect.RunSql effect, Instant startedAt) {

    /** The checkpoint that ends it. */
    public CheckpointRequest draft(Decision decision) {
        return new CheckpointRequest(
                item.key().text(),
                1,
                List.of(decision.checkpoint()),
                Map.of(),
                List.of(),
                new Park.Unchanged(),
                startedAt,
                false,
                false,
                item);
    }
}
