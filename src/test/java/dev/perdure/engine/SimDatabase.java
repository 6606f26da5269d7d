package dev.perdure.engine;

import dev.perdure.flow.Activation;
import dev.perdure.flow.Checkpoint;
import dev.perdure.flow.Consumption;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.NodeStatus;
import dev.perdure.flow.Transition;
import dev.perdure.graph.NodeRow;
import dev.perdure.store.CheckpointRequest;
import dev.perdure.store.ItemKey;
import dev.perdure.store.Journal;
import dev.perdure.store.LoadedInstance;
import dev.perdure.store.Park;
import dev.perdure.store.RecordedFlow;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The tables in memory: versions that are taken once, rows that users lock, transactions that sit in COMMIT, one epoch. */
final class SimDatabase {

    /** An instance, and all that was ever committed of it. */
    static final class Row {
        final String id;
        final long role;
        final String root;
        final List<NodeRow> nodes;
        final long number;
        final TreeMap<Integer, CheckpointRequest> checkpoints = new TreeMap<>();
        /** Versions that a transaction has taken which has not ended. */
        final Map<Integer, Object> taking = new HashMap<>();

        final List<CheckpointRequest> history = new ArrayList<>();
        final Map<String, Integer> effects = new HashMap<>();
        final Map<String, Journal.Mark> marks = new HashMap<>();
        final List<SimSignal> signals = new ArrayList<>();
        String status = "pending";

        @Nullable String cancelReason;

        @Nullable String output;

        @Nullable Instant wakeAt;

        boolean isParked;
        boolean hasEnded;
        /** It is noted for the worker that somebody has to wind it up. */
        boolean isCancelNoted;
        /** A user's transaction holds a lock on the row. */
        boolean isLocked;

        @Nullable Instant endedAt;

        long execution = 1;
        int redrives;

        /** As df._tries says. */
        int tries;

        int quick;
        int triedVersion;
        long triedEpoch;
        long triedAt;
        boolean isSetAside;
        /** It waits for a slot of a queue, or its time: nobody works on it. */
        boolean isHeld;

        Row(String id, long role, String root, List<NodeRow> nodes, long number) {
            this.id = id;
            this.role = role;
            this.root = root;
            this.nodes = nodes;
            this.number = number;
        }

        boolean isTaken(int version) {
            return version <= highest() || checkpoints.containsKey(version);
        }

        int highest() {
            return history.isEmpty() ? 0 : history.get(history.size() - 1).version();
        }
    }

    static final class SimSignal {
        final long id;
        final String name;
        boolean isConsumed;

        SimSignal(long id, String name) {
            this.id = id;
            this.name = name;
        }
    }

    private static final List<Activation> ALL_MAPS = List.of(Checkpoint.ALL_MAPS);

    private final Map<String, Row> rows = new LinkedHashMap<>();
    private final List<Object> news = new ArrayList<>();
    private final SimScheduler scheduler;
    /** Somebody else's, which has nothing to do with it but that it goes on when workers end. */
    final SimHttp.Server server = new SimHttp.Server();

    final SimMaps maps = new SimMaps(this);
    long epoch;
    /** A statement has ended the process of its leader, who does not know yet. */
    boolean isLeaderKilled;

    /** What somebody has done to the server's clock. */
    Duration clockSet = Duration.ZERO;

    private long signals;

    SimDatabase(SimScheduler scheduler) {
        this.scheduler = scheduler;
    }

    Instant now() {
        return Instant.parse("2026-01-01T00:00:00Z")
                .plusNanos(scheduler.nanos())
                .plus(clockSet);
    }

    Iterable<Row> rows() {
        return rows.values();
    }

    /** An instance, or an item of a map. */
    Row row(String id) {
        return ItemKey.isItem(id) ? maps.item(id) : rows.get(id);
    }

    // ---- what users do

    Row start(long role, String root, List<NodeRow> nodes) {
        String id = "%08x".formatted(0x10000000 + rows.size());
        Row row = new Row(id, role, root, nodes, rows.size());
        rows.put(id, row);
        news.add(row);
        return row;
    }

    /** Starts one that must not begin before {@link #release}. */
    Row startHeld(long role, String root, List<NodeRow> nodes) {
        Row row = start(role, root, nodes);
        row.isHeld = true;
        // Its place counts.
        news.set(news.size() - 1, "held");
        return row;
    }

    void release(Row row) {
        row.isHeld = false;
        news.add(row);
    }

    void cancel(Row row, String reason) {
        boolean waits = row.isSetAside
                && (!row.taking.isEmpty()
                        || maps.ending(row.id, ALL_MAPS).stream().anyMatch(item -> !item.taking.isEmpty()));
        if (waits) {
            // What a leader that has ended left in COMMIT has its rows.
            scheduler.after(5_000_000, () -> cancel(row, reason));
            return;
        }
        if (!row.hasEnded && !row.status.equals("cancelled")) {
            row.status = "cancelled";
            row.cancelReason = reason;
            if (row.isSetAside) {
                row.hasEnded = true;
                maps.end(row.id, ALL_MAPS);
                return;
            }
            row.isCancelNoted = true;
            news.add(new Journal.Cancelled(row.id, row.role, reason, 0));
        }
    }

    void signal(Row row, String name) {
        if (!row.hasEnded) {
            row.signals.add(new SimSignal(++signals, name));
            news.add(new Journal.SignalSent(row.id, row.role, name, bytes(row)));
        }
    }

    /** Lets an instance go on that was set aside. */
    void resume(Row row) {
        if (row.isSetAside && !row.hasEnded) {
            row.isSetAside = false;
            row.tries = 0;
            row.quick = 0;
            news.add(row);
        }
    }

    /** Lets an instance go on that has ended, or was cancelled and is not wound up; all of it runs again. */
    boolean redrive(Row row) {
        boolean mayGoOn = row.status.equals("failed") || row.status.equals("cancelled");
        boolean isTaken = row.taking.containsKey(row.highest() + 1)
                || maps.ending(row.id, ALL_MAPS).stream().anyMatch(item -> !item.taking.isEmpty());
        if (!mayGoOn || isTaken) {
            return false;
        }
        maps.end(row.id, ALL_MAPS);
        CheckpointRequest claim = new CheckpointRequest(
                row.id, row.highest() + 1, List.of(), Map.of(), List.of(), new Park.Unchanged(), now(), false, false);
        row.checkpoints.values().removeIf(draft -> !draft.checkpoints().isEmpty());
        row.checkpoints.put(claim.version(), claim);
        row.history.add(claim);
        row.marks.clear();
        row.status = "pending";
        row.cancelReason = null;
        row.output = null;
        row.isParked = false;
        row.wakeAt = null;
        row.hasEnded = false;
        row.isCancelNoted = false;
        row.isSetAside = false;
        row.execution++;
        row.redrives++;
        // Its row of df._cancels is gone.
        news.replaceAll(item ->
                item instanceof Journal.Cancelled cancel && cancel.instance().equals(row.id) ? "gone" : item);
        news.add(row);
        return true;
    }

    // ---- what the worker does

    /** A term begins with what an earlier one has left. */
    void tried(Row row) {
        if (row.triedEpoch != epoch && !row.isSetAside) {
            boolean isWhereItWas = row.triedVersion == row.highest();
            row.tries = isWhereItWas ? row.tries + 1 : 1;
            row.quick = isWhereItWas ? row.quick + 1 : 1;
            row.triedVersion = row.highest();
            row.triedEpoch = epoch;
            row.triedAt = scheduler.nanos();
        }
    }

    List<Journal.Suspect> suspects() {
        List<Journal.Suspect> suspects = new ArrayList<>();
        for (Row row : rows.values()) {
            if (row.hasEnded || row.isSetAside) {
                continue;
            }
            if (row.triedVersion < row.highest()) {
                row.tries = 0;
                row.quick = 0;
            }
            row.isSetAside = (row.quick >= 2 || row.tries >= 5) && !row.status.equals("cancelled") && !row.isLocked;
            if (row.isSetAside || row.quick > 0) {
                suspects.add(new Journal.Suspect(row.id, row.tries, row.isSetAside));
            }
        }
        return suspects;
    }

    void survived(boolean all) {
        for (Row row : rows.values()) {
            if (row.triedEpoch == epoch && (all || scheduler.nanos() - row.triedAt > 5_000_000_000L)) {
                row.quick = 0;
                row.tries -= all ? 1 : 0;
            }
        }
    }

    long beginTerm() {
        return ++epoch;
    }

    int position() {
        return news.size();
    }

    List<Object> newsSince(int position) {
        return news.subList(position, news.size());
    }

    /** Commits a checkpoint: its version is free, its rows are not locked. */
    void commit(Row row, CheckpointRequest draft, List<String> effects) {
        if (row.hasEnded) {
            throw new AssertionError("a checkpoint after the end of " + row.id + ": " + draft);
        }
        if (draft.version() != row.highest() + 1) {
            throw new AssertionError("version " + draft.version() + " of " + row.id + " after " + row.highest());
        }
        row.history.add(draft);
        row.checkpoints.put(draft.version(), draft);
        draft.superseded().forEach(row.checkpoints::remove);
        row.isCancelNoted &= !draft.isCancelled();
        effects.forEach(effect -> row.effects.merge(effect, 1, Integer::sum));
        if (draft.park() instanceof Park.Until until) {
            row.isParked = true;
            row.wakeAt = until.wakeAt();
        } else if (draft.park() instanceof Park.ForSignals) {
            row.isParked = true;
            row.wakeAt = null;
        } else if (draft.park() instanceof Park.Awake) {
            row.isParked = false;
        }
        for (Checkpoint checkpoint : draft.checkpoints()) {
            for (Consumption consumption : checkpoint.consumed()) {
                SimSignal signal = row.signals.stream()
                        .filter(candidate -> candidate.id == consumption.signalId())
                        .findFirst()
                        .orElseThrow();
                if (signal.isConsumed) {
                    throw new AssertionError("signal " + signal.id + " of " + row.id + " is consumed twice");
                }
                signal.isConsumed = true;
            }
            maps.end(row.id, checkpoint.endedMaps());
            if (checkpoint.nextExecution() != null) {
                row.execution = checkpoint.nextExecution().number();
            }
            if (checkpoint.end() != null) {
                row.hasEnded = true;
                row.endedAt = now();
                row.output = checkpoint.end().output();
                if (!row.status.equals("cancelled")) {
                    row.status = checkpoint.end().status().name().toLowerCase(java.util.Locale.ROOT);
                }
            }
        }
    }

    /** A program has decided an item of a map. */
    void decided(Row item, String how) {
        item.history.add(new CheckpointRequest(
                item.id,
                item.highest() + 1,
                List.of(),
                Map.of(),
                List.of(),
                new Park.Unchanged(),
                now(),
                false,
                false));
        item.status = how;
        item.output = how;
        item.hasEnded = true;
        item.endedAt = now();
    }

    void tell(Object what) {
        news.add(what);
    }

    /** Something that happens at some time, whoever leads by then. */
    void later(Consumer<Random> what) {
        long most = scheduler.random().nextInt(4) == 0 ? 3_000_000_000L : 30_000_000L;
        scheduler.after((long) (scheduler.random().nextDouble() * most), () -> what.accept(scheduler.random()));
    }

    static boolean ends(CheckpointRequest draft) {
        return draft.checkpoints().stream().anyMatch(checkpoint -> checkpoint.end() != null);
    }

    /** Whether a transaction has an item that would end with a checkpoint. */
    boolean isItemTaken(Row row, CheckpointRequest draft) {
        return maps.ending(row.id, endedMaps(draft)).stream().anyMatch(item -> !item.taking.isEmpty());
    }

    static List<Activation> endedMaps(CheckpointRequest draft) {
        return draft.checkpoints().stream()
                .flatMap(checkpoint -> checkpoint.endedMaps().stream())
                .toList();
    }

    RecordedFlow flow(Row row) {
        Map<String, NodeRecord> recorded = new HashMap<>();
        Map<String, Integer> versionOfNode = new HashMap<>();
        row.checkpoints.forEach((version, draft) -> draft.checkpoints()
                .forEach(checkpoint -> checkpoint.transitions().forEach(transition -> {
                    recorded.put(transition.nodeId(), recorded(transition));
                    versionOfNode.put(transition.nodeId(), version);
                })));
        row.marks.forEach((node, mark) -> {
            NodeRecord present = recorded.get(node);
            boolean isLate = present != null
                    && mark.stamp().equals(present.stamp())
                    && present.status().isTerminal();
            if (!isLate) {
                NodeRecord says = new NodeRecord(
                        NodeStatus.RUNNING,
                        mark.stamp(),
                        false,
                        null,
                        null,
                        null,
                        mark.startedAt(),
                        mark.attempt() == null ? 0 : mark.attempt(),
                        null,
                        null,
                        null);
                recorded.merge(node, says, NodeRecord::marked);
            }
        });
        List<Integer> empty = row.checkpoints.keySet().stream()
                .filter(version -> !versionOfNode.containsValue(version))
                .toList();
        return new RecordedFlow(recorded, versionOfNode, empty, !row.marks.isEmpty());
    }

    LoadedInstance load(Row row) {
        RecordedFlow flow = flow(row);
        return new LoadedInstance(
                row.id,
                row.root,
                null,
                null,
                null,
                row.status,
                row.cancelReason,
                now(),
                row.execution,
                new LoadedInstance.Submitter(row.role, "role" + row.role, false),
                List.of(),
                row.nodes,
                flow.recorded(),
                100L * row.nodes.size(),
                null,
                row.highest(),
                flow.versionOfNode(),
                flow.emptyVersions(),
                flow.isMarked(),
                bytes(row),
                false);
    }

    /** As far as it is read when it is too large to be read along with others. */
    static LoadedInstance onlyItsSize(LoadedInstance whole) {
        return new LoadedInstance(
                whole.id(),
                whole.rootNode(),
                null,
                null,
                null,
                whole.status(),
                null,
                whole.createdAt(),
                whole.executionCount(),
                whole.submitter(),
                List.of(),
                List.of(),
                Map.of(),
                whole.definitionBytes(),
                null,
                0,
                Map.of(),
                List.of(),
                false,
                whole.bytes(),
                true);
    }

    static long bytes(Row row) {
        boolean isLarge =
                row.nodes.stream().anyMatch(node -> String.valueOf(node.query()).startsWith("LARGE"));
        return isLarge ? 10_000 : 100L * row.nodes.size();
    }

    private static NodeRecord recorded(Transition t) {
        String result = t.result() != null
                ? t.result().json()
                : t.status() == NodeStatus.FAILED ? "\"" + t.error() + "\"" : null;
        return new NodeRecord(
                t.status(),
                t.stamp(),
                t.canceled() != null,
                result,
                t.result() == null ? null : t.result().columns(),
                t.wakeAt(),
                t.startedAt(),
                t.attempt(),
                t.bindings(),
                t.code(),
                t.detail());
    }

    /** What must be true at the end, whatever has happened in between. */
    void check(Set<String> sqlNodes) {
        rows.values().forEach(this::check);
        maps.check();
    }

    /** Of an instance, or an item. */
    void check(Row row) {
        Map<String, Integer> completed = new HashMap<>();
        Set<String> activations = new HashSet<>();
        for (CheckpointRequest draft : row.history) {
            for (Checkpoint checkpoint : draft.checkpoints()) {
                for (Transition t : checkpoint.transitions()) {
                    if (t.status() == NodeStatus.COMPLETED && t.executedQuery() != null) {
                        if (t.executedQuery().startsWith("{")) {
                            server.checkReceived(t.executedQuery());
                        } else {
                            completed.merge(t.executedQuery(), 1, Integer::sum);
                        }
                        if (!activations.add(t.nodeId() + " in " + t.stamp())) {
                            throw new AssertionError(
                                    "instance " + row.id + ": node " + t.nodeId() + " completed twice in " + t.stamp());
                        }
                    }
                }
            }
        }
        if (!completed.equals(row.effects)) {
            throw new AssertionError("instance " + row.id + ": completed " + completed + ", effects " + row.effects);
        }
        if (!row.taking.isEmpty()) {
            throw new AssertionError("instance " + row.id + ": transactions are left: " + row.taking);
        }
    }
}
