package dev.perdure.engine.map;

import dev.perdure.engine.actor.Attempt;
import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.actor.Message;
import dev.perdure.flow.Effect;
import dev.perdure.flow.Event;
import dev.perdure.store.Journal.FindMap;
import dev.perdure.store.Journal.FoundMap;
import dev.perdure.store.Journal.FreezeItems;
import dev.perdure.store.Journal.Written;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A map before its items are worked on: they are found in the tables, or written down there; then a {@link MapRun} takes its place. Lives in
 * the mailbox of its instance.
 */
final class MapBeginning implements Attempt {

    private static final Duration LOCKED = Duration.ofMillis(50);

    private final MapContext context;
    private final InstanceActor instance;
    private final Effect.RunMap effect;
    private final Instant startedAt;

    MapBeginning(MapContext context, InstanceActor instance, Effect.RunMap effect) {
        this.context = context;
        this.instance = instance;
        this.effect = effect;
        this.startedAt = context.clock().instant();
    }

    void start() {
        find(false);
    }

    /** @param wereWritten whether they have to be there, so that a reader that does not see them looks again */
    private void find(boolean wereWritten) {
        FindMap wanted = new FindMap(
                instance.id(), effect.activation().nodeId(), effect.activation().stamp());
        context.items().find(instance.role(), instance.instance(), wanted, inMailbox((Optional<FoundMap> found) -> {
            if (found.isPresent()) {
                begin(found.get());
            } else if (wereWritten) {
                context.timers().after(LOCKED, () -> find(true));
            } else {
                return freeze();
            }
            return true;
        }));
    }

    private boolean freeze() {
        MapItems.Frozen frozen = MapItems.of(effect.rows());
        if (frozen == null) {
            return fail(
                    "The items of df.map are no rows, or were deleted: "
                            + shortened(effect.rows().json()),
                    null);
        }
        freeze(frozen, 0);
        return true;
    }

    private void freeze(MapItems.Frozen frozen, int at) {
        MapItems.Chunk chunk = frozen.chunks().get(at);
        boolean isLast = at == frozen.chunks().size() - 1;
        FreezeItems items = new FreezeItems(
                instance.id(),
                effect.activation().nodeId(),
                effect.activation().stamp(),
                chunk.first(),
                frozen.columns(),
                chunk.rows(),
                isLast ? frozen.total() : null);
        context.items().freeze(instance.role(), instance.instance(), items, inMailbox((Written written) -> {
            if (written instanceof Written.Rejected rejected) {
                return fail(rejected.failure().message(), rejected.failure().sqlState());
            } else if (written instanceof Written.Locked) {
                context.timers().after(LOCKED, () -> freeze(frozen, at));
            } else if (isLast || written instanceof Written.Stale) {
                // Stale: what was asked for twice was done the first time.
                find(true);
            } else {
                freeze(frozen, at + 1);
            }
            return true;
        }));
    }

    private void begin(FoundMap found) {
        MapRun run = new MapRun(context, instance, effect, found, startedAt);
        instance.attempts().put(effect.activation(), run);
        run.start();
    }

    private boolean fail(String message, @Nullable String code) {
        instance.attempts().remove(effect.activation(), this);
        return instance.decide(
                new Event.StepFailed(
                        effect.activation(),
                        message,
                        code,
                        "",
                        startedAt,
                        0,
                        context.clock().instant()),
                Map.of());
    }

    /** Handles an answer that comes on another thread, as {@link Message#handle}; does nothing when the node has ended meanwhile. */
    private <T> Consumer<T> inMailbox(Answer<T> answer) {
        return value -> instance.post(
                (self, drain) -> self.attempts().get(effect.activation()) != this || answer.isHandled(value));
    }

    @FunctionalInterface
    private interface Answer<T> {
        boolean isHandled(T value);
    }

    /** Does nothing: writes and reads under way may go on, and nothing follows from them. */
    @Override
    public void interrupt() {}

    private static String shortened(String text) {
        return text.length() <= 100 ? text : text.substring(0, 97) + "...";
    }
}
