package dev.perdure.engine.map;

import dev.perdure.engine.actor.Companion;
import dev.perdure.engine.actor.Home;
import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.actor.Ledger;
import dev.perdure.engine.actor.LoadedState;
import dev.perdure.flow.Decision;
import dev.perdure.flow.Effect;
import dev.perdure.flow.Event;
import dev.perdure.flow.InstanceState;
import dev.perdure.flow.Interpreter;
import dev.perdure.flow.result.Result;
import dev.perdure.flow.rule.Rules;
import dev.perdure.graph.Graph;
import dev.perdure.step.SqlStep;
import dev.perdure.store.CheckpointRequest;
import dev.perdure.store.ItemKey;
import dev.perdure.store.Journal.FoundMap;
import dev.perdure.store.Journal.ItemRow;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Makes of the rows of an item what works on it. */
final class ItemLoader {

    private final InstanceActor instance;
    private final InstanceState around;
    private final Effect.RunMap effect;
    private final FoundMap map;
    private final Graph body;

    /** Within the mailbox of the instance. */
    ItemLoader(InstanceActor instance, Effect.RunMap effect, FoundMap map) {
        this.instance = instance;
        this.around = instance.state();
        this.effect = effect;
        this.map = map;
        this.body = instance.graph().ofItem(effect.activation().nodeId());
    }

    /** Whether an item is nothing but a statement, in the worker's own database. */
    boolean isOneStatement() {
        List<String> steps = body.children(body.rootId());
        return steps.size() == 1
                && Rules.of(body.node(steps.get(0))).statement() != null
                && instance.sessions().database() == null;
    }

    /** About the bytes that an item needs. */
    static long bytes(List<ItemRow> rows) {
        return bytes(
                rows.size(), rows.stream().mapToLong(row -> row.item().length()).sum());
    }

    static long bytes(int rows, long chars) {
        return 2048 + 64L * rows + 6 * chars;
    }

    LoadedState load(List<ItemRow> rows, Home home) {
        CheckpointRequest.Item item = item(rows);
        ItemRow first = rows.get(0);
        return new LoadedState(
                instance.origin(),
                instance.sessions(),
                state(item, rows),
                new Ledger(
                        first.version(),
                        first.flow().versionOfNode(),
                        first.flow().emptyVersions()),
                first.flow().isMarked(),
                home,
                item);
    }

    /** Whether nothing of an item is known yet. */
    static boolean isNew(ItemRow row) {
        return row.version() == 0 && !row.flow().isMarked();
    }

    /** A new item whose only statement is there; null when there is none, or it cannot share a transaction. */
    @Nullable Companion companion(List<ItemRow> rows, Instant now) {
        CheckpointRequest.Item item = item(rows);
        InstanceState state = state(item, rows);
        Decision begins = Interpreter.decide(state, new Event.Loaded(now));
        boolean isStatement = begins.checkpoint().isEmpty()
                && begins.effects().size() == 1
                && begins.effects().get(0) instanceof Effect.RunSql run
                && SqlStep.canShareTransaction(run.sql());
        if (!isStatement) {
            return null;
        }
        state.apply(begins);
        return new Companion(item, state, (Effect.RunSql) begins.effects().get(0), now);
    }

    private CheckpointRequest.Item item(List<ItemRow> rows) {
        ItemKey key = new ItemKey(
                instance.instance(),
                map.id(),
                rows.get(0).ordinal(),
                rows.get(rows.size() - 1).ordinal());
        return new CheckpointRequest.Item(key, body.rootId());
    }

    private InstanceState state(CheckpointRequest.Item item, List<ItemRow> rows) {
        Map<String, Result> names = new HashMap<>(effect.names());
        names.put(
                effect.plan().item(),
                MapItems.result(rows, map.columns(), effect.plan().batchSize()));
        return around.item(
                item.key().text(),
                item.key().first(),
                body,
                names,
                rows.get(0).flow().recorded());
    }
}
