package dev.perdure.engine.map;

import dev.perdure.engine.actor.Companion;
import dev.perdure.engine.actor.Home;
import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.actor.Ledger;
import dev.perdure.engine.actor.LoadedState;
import dev.perdure.flow.ActivationId;
import dev.perdure.flow.Assignment;
import dev.perdure.flow.Checkpoint;
import dev.perdure.flow.Decision;
import dev.perdure.flow.Effect;
import dev.perdure.flow.Event;
import dev.perdure.flow.FailedStep;
import dev.perdure.flow.InstanceState;
import dev.perdure.flow.Interpreter;
import dev.perdure.flow.NodeRecord;
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

/** Makes the instance, assignment or statement of an item from its rows. */
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

    /** Whether an item is nothing but an activity: then it ends with that, whichever worker has the map. */
    boolean isOneActivity() {
        List<String> steps = body.children(body.rootId());
        return effect.plan().batchSize() == 1
                && steps.size() == 1
                && body.node(steps.get(0)).isClaimed();
    }

    /** The counts of the map before its items are read. Programs go on meanwhile: what they have ended is counted as it is read. */
    Tally tally() {
        return isOneActivity()
                ? new Tally(map.total(), map.settled(), map.settled() - map.settledFailed(), map.settledFailed())
                : new Tally(map.total(), map.settled(), map.completed(), map.failed());
    }

    /**
     * The work for a program.
     *
     * @param failure the step at which the item fails when the program says so
     */
    record Activity(Assignment assignment, FailedStep failure) {}

    /** Of an item that is nothing but an activity; null when something of it was decided already, or nothing can be assigned. */
    @Nullable Activity activity(ItemRow row, Instant now) {
        if (row.flow().isMarked() || !row.flow().recorded().isEmpty()) {
            return null;
        }
        List<ItemRow> rows = List.of(row);
        InstanceState state = state(item(rows), rows);
        Decision begins = Interpreter.decide(state, new Event.Loaded(now));
        if (begins.checkpoint().assignments().size() != 1 || begins.checkpoint().end() != null) {
            return null;
        }
        Assignment assignment = begins.checkpoint().assignments().get(0);
        state.apply(begins);
        Event fails = new Event.SignalReceived(assignment.activation(), 0, "{\"failed\":\"\"}", now);
        Checkpoint.InstanceEnd end =
                Interpreter.decide(state, fails).checkpoint().end();
        return end == null || end.step() == null ? null : new Activity(assignment, end.step());
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
                bytes(rows),
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
                ActivationId.root(item.key().text(), run(rows.get(0))),
                item.key().first(),
                body,
                names,
                rows.get(0).flow().recorded());
    }

    /** The run that is on record; for an item that runs again from its beginning (df.redrive) a number that no run of it has had before. */
    private static long run(ItemRow row) {
        return row.flow().recorded().values().stream()
                .map(NodeRecord::stamp)
                .mapToLong(ActivationId::rootGeneration)
                .max()
                .orElse(row.version() + 1L);
    }

    /** The key of an item that is in memory as an instance. */
    static ItemKey keyOf(InstanceActor item) {
        if (item.item() == null) {
            throw new IllegalStateException(item + " is no item");
        }
        return item.item().key();
    }
}
