package dev.perdure.engine.map;

import dev.perdure.engine.actor.Attempt;
import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.flow.Effect;
import dev.perdure.flow.Event;
import dev.perdure.flow.FailedStep;
import dev.perdure.flow.Remark;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.result.Result;
import dev.perdure.store.Journal.FindMap;
import dev.perdure.store.Journal.FoundMap;
import dev.perdure.store.Journal.ItemFailure;
import dev.perdure.store.Journal.ItemRow;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/** The end of a map, as a message to its instance. */
final class MapEnd {

    private static final String COLUMNS =
            "[[\"total\",\"int8\"],[\"completed\",\"int8\"],[\"failed\",\"int8\"],[\"cancelled\",\"int8\"]]";

    private final MapContext context;
    private final InstanceActor instance;
    private final Effect.RunMap effect;
    private final FoundMap map;
    private final ItemWindow window;
    private final Instant startedAt;
    private final Attempt attempt;

    /** @param attempt what is over then */
    MapEnd(
            MapContext context,
            InstanceActor instance,
            Effect.RunMap effect,
            FoundMap map,
            ItemWindow window,
            Instant startedAt,
            Attempt attempt) {
        this.context = context;
        this.instance = instance;
        this.effect = effect;
        this.map = map;
        this.window = window;
        this.startedAt = startedAt;
        this.attempt = attempt;
    }

    /** As many items have failed as go by, or none. */
    void completed(Tally tally) {
        String numbers = "{\"rows\":[{\"total\":" + tally.total() + ",\"completed\":" + tally.completed()
                + ",\"failed\":" + tally.failed() + ",\"cancelled\":"
                + tally.left()
                + "}],\"row_count\":1,\"items\":{\"instance\":"
                + Json.quoted(instance.instance()) + ",\"node\":"
                + Json.quoted(effect.activation().nodeId()) + ",\"generation\":" + map.generation() + "}}";
        tell(new Event.StepSucceeded(
                effect.activation(),
                new Result(numbers, COLUMNS),
                "",
                startedAt,
                0,
                context.clock().instant()));
    }

    /**
     * Too many items have failed.
     *
     * @param failed how many
     */
    void failed(ItemFailure last, long failed) {
        FailedStep step = last.step();
        if (step != null && !step.isWhole()) {
            failedAsWritten(failed);
            return;
        }
        String many = failed > 1 ? " (the last of " + failed + " that failed)" : "";
        tell(new Event.StepFailed(
                effect.activation(),
                "Item " + window.firstOf(last.ordinal()) + " of df.map failed" + many + ": " + last.error(),
                last.code(),
                step == null ? null : step.detail(),
                step == null ? Remark.NONE : step.remark().of(step),
                step == null || step.executedQuery() == null ? "" : step.executedQuery(),
                step == null ? null : step.params(),
                startedAt,
                0,
                context.clock().instant()));
    }

    /** The rows of an item are more than there is memory for. */
    void tooLarge(long most) {
        ItemRow first = window.peek();
        long ordinal = first == null ? 1 : first.ordinal();
        tell(new Event.StepFailed(
                effect.activation(),
                "Items " + ordinal + " to " + (ordinal + window.sizeOf(ordinal) - 1)
                        + " of df.map, a batch, need more memory than the worker has for one role (" + most
                        + " bytes, perdure.memory.limit): choose a smaller batch_size, or select keys and read large values in the body",
                "54000",
                "",
                startedAt,
                0,
                context.clock().instant()));
    }

    /** The same, when the last failure is only in the tables. */
    void failedAsWritten(long failed) {
        FindMap wanted = new FindMap(
                instance.id(), effect.activation().nodeId(), effect.activation().stamp());
        context.items()
                .find(
                        instance.role(),
                        instance.instance(),
                        wanted,
                        found -> instance.post((self, drain) -> {
                            failed(written(found, failed), failed);
                            return true;
                        }));
    }

    private ItemFailure written(Optional<FoundMap> found, long failed) {
        return found.flatMap(FoundMap::failure)
                .orElseThrow(() -> new IllegalStateException("map " + map.id() + " has no failure of the " + failed));
    }

    private void tell(Event event) {
        instance.post((self, drain) -> {
            self.attempts().remove(effect.activation(), attempt);
            return self.decide(event, Map.of());
        });
    }
}
