package dev.perdure.engine;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.perdure.flow.Activation;
import dev.perdure.flow.Checkpoint;
import dev.perdure.store.AssignItems;
import dev.perdure.store.ItemKey;
import dev.perdure.store.Journal;
import dev.perdure.store.OpenItems;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The maps of {@link SimDatabase} and their items, each a row that versions are taken of like of an instance. Who ends a map takes the next
 * version of all of its items that have begun and not ended, as PostgreSQL's row locks would.
 */
final class SimMaps {

    /** An execution of a map. */
    static final class SimMap {
        final long id;
        final String subject;
        final String node;
        final String stamp;
        final int generation;
        final @Nullable String columns;
        final List<SimDatabase.Row> items = new ArrayList<>();
        final List<String> texts = new ArrayList<>();
        boolean isComplete;
        boolean hasEnded;
        /** A transaction ends it. */
        boolean isLocked;
        /** Items that programs can have, with the version on which they are decided. */
        final Map<Integer, Integer> activities = new TreeMap<>();

        boolean isOfActivities;

        long opened;
        long settled;

        private SimMap(long id, Journal.FreezeItems first, int generation) {
            this.id = id;
            this.subject = first.subject();
            this.node = first.node();
            this.stamp = first.stamp();
            this.generation = generation;
            this.columns = first.columns();
        }

        long settledFailed() {
            return items.stream()
                    .filter(item -> item.number < settled && item.status.equals("failed"))
                    .count();
        }

        long ended(String status) {
            return items.stream().filter(item -> item.status.equals(status)).count();
        }
    }

    private static final ObjectMapper JSON = new ObjectMapper();

    private final SimDatabase database;
    private final Map<Long, SimMap> maps = new TreeMap<>();

    SimMaps(SimDatabase database) {
        this.database = database;
    }

    Iterable<SimMap> all() {
        return maps.values();
    }

    SimDatabase.@Nullable Row item(String key) {
        String[] parts = key.split("[.]");
        SimMap map = maps.get(Long.parseLong(parts[1]));
        int ordinal = Integer.parseInt(parts[2]);
        return map == null || ordinal > map.items.size() ? null : map.items.get(ordinal - 1);
    }

    // ---- what the worker does

    Journal.Written freeze(Journal.FreezeItems part) {
        SimMap map = map(part.subject(), part.node(), part.stamp());
        if (map == null && part.first() == 1 && !database.row(part.subject()).hasEnded) {
            int generation = (int) maps.values().stream()
                            .filter(other ->
                                    isOf(other, ItemKey.instanceOf(part.subject())) && other.node.equals(part.node()))
                            .count()
                    + 1;
            map = new SimMap(maps.size() + 1, part, generation);
            maps.put(map.id, map);
        }
        if (map == null || map.isComplete) {
            return new Journal.Written.Stale();
        }
        long ordinal = part.first();
        for (JsonNode row : rows(part.rows())) {
            if (ordinal++ > map.items.size()) {
                SimDatabase.Row around = database.row(map.subject);
                String key = ItemKey.instanceOf(map.subject) + "." + map.id + "." + (map.items.size() + 1);
                map.items.add(new SimDatabase.Row(key, around.role, around.root, around.nodes, map.items.size()));
                map.texts.add(row.toString());
            }
        }
        map.isComplete = part.total() != null;
        if (part.total() != null && part.total() != map.items.size()) {
            throw new AssertionError("map " + map.id + " has " + map.items.size() + " items, not " + part.total());
        }
        return new Journal.Written.Ok();
    }

    private static JsonNode rows(String document) {
        try {
            return JSON.readTree(document).get("rows");
        } catch (JsonProcessingException e) {
            throw new AssertionError(document, e);
        }
    }

    Optional<Journal.FoundMap> find(Journal.FindMap wanted) {
        SimMap map = map(wanted.subject(), wanted.node(), wanted.stamp());
        if (map == null || !map.isComplete) {
            return Optional.empty();
        }
        Optional<Journal.ItemFailure> failure = map.items.stream()
                .filter(item -> item.number >= map.settled && item.status.equals("failed"))
                .max(Comparator.comparing(item -> item.endedAt))
                .map(item -> new Journal.ItemFailure(item.number + 1, String.valueOf(item.output), null, null));
        return Optional.of(new Journal.FoundMap(
                map.id,
                map.generation,
                map.columns,
                map.items.size(),
                map.opened,
                map.settled,
                map.settledFailed(),
                map.ended("completed"),
                map.ended("failed"),
                null,
                failure));
    }

    OpenItems.Answer open(OpenItems wanted) {
        SimMap map = maps.get(wanted.map());
        if (map == null || map.hasEnded || map.isLocked) {
            return OpenItems.NotOpened.LOCKED;
        }
        List<Journal.ItemRow> found = new ArrayList<>();
        long before = map.opened;
        for (int i = (int) wanted.after(); i < map.items.size() && found.size() < Math.abs(wanted.limit()); i++) {
            SimDatabase.Row item = map.items.get(i);
            if (wanted.limit() < 0 || item.status.equals("pending")) {
                found.add(
                        new Journal.ItemRow(i + 1, map.texts.get(i), item.status, item.highest(), database.flow(item)));
                map.opened = Math.max(map.opened, i + 1);
            }
        }
        map.settled = Math.max(map.settled, wanted.settled());
        for (int i = 0; i < map.settled; i++) {
            if (map.items.get(i).status.equals("pending")) {
                throw new AssertionError("item " + map.items.get(i).id + " is said to have ended");
            }
        }
        return new OpenItems.Opened(
                found, null, passed(map, wanted, found, "completed"), passed(map, wanted, found, "failed"), before);
    }

    private static long passed(SimMap map, OpenItems wanted, List<Journal.ItemRow> page, String status) {
        if (!map.isOfActivities || wanted.limit() <= 0) {
            return 0;
        }
        long upto = page.size() == wanted.limit() ? page.get(page.size() - 1).ordinal() : map.items.size();
        return map.items.stream()
                .filter(item -> item.number >= wanted.after() && item.number < upto && item.status.equals(status))
                .count();
    }

    // ---- items that programs decide

    AssignItems.Answer assign(AssignItems wanted) {
        SimMap map = maps.get(wanted.map());
        if (map == null || map.hasEnded) {
            return new AssignItems.Answer(new Journal.Written.Stale(), 0);
        } else if (map.isLocked) {
            return new AssignItems.Answer(new Journal.Written.Locked(), 0);
        }
        map.isOfActivities = true;
        for (AssignItems.Item wish : wanted.items()) {
            int ordinal = (int) wish.ordinal();
            SimDatabase.Row item = map.items.get(ordinal - 1);
            boolean isWaiting = item.status.equals("pending") && item.highest() == wish.version();
            if (wanted.areNew() && (!isWaiting || map.activities.containsKey(ordinal))) {
                throw new AssertionError("item " + item.id + " is no new one: " + item.status);
            }
            if (isWaiting && map.activities.putIfAbsent(ordinal, wish.version()) == null) {
                database.later(random -> decide(map, ordinal, random.nextInt(20) == 0 ? "failed" : "completed"));
            }
        }
        return new AssignItems.Answer(
                new Journal.Written.Ok(), wanted.turn() + wanted.items().size());
    }

    /** A program's own COMMIT, while some worker leads or none. */
    private void decide(SimMap map, int ordinal, String how) {
        SimDatabase.Row item = map.items.get(ordinal - 1);
        Integer version = map.activities.get(ordinal);
        if (version == null) {
            SimFaults.met("activity: refused");
        } else if (!item.taking.isEmpty() || map.isLocked) {
            database.later(random -> decide(map, ordinal, how));
        } else if (item.hasEnded || item.highest() != version) {
            throw new AssertionError("item " + item.id + " is " + item.status + ", and a program has it");
        } else {
            map.activities.remove(ordinal);
            database.decided(item, how);
            List<Long> one = List.of((long) ordinal);
            boolean isWell = how.equals("completed");
            database.tell(new Journal.ItemsEnded(map.id, isWell ? one : List.of(), isWell ? List.of() : one));
            SimFaults.met("activity: " + how);
        }
    }

    // ---- maps end

    /** The items that end with maps of a subject: those of maps within items of these, too. */
    List<SimDatabase.Row> ending(String subject, List<Activation> ended) {
        List<SimDatabase.Row> items = new ArrayList<>();
        for (SimMap map : endingMaps(subject, ended)) {
            map.items.stream()
                    .filter(item -> item.status.equals("pending") && item.number < map.opened)
                    .forEach(items::add);
        }
        return items;
    }

    /** A transaction takes what ends with maps of a subject. */
    Runnable lock(String subject, List<Activation> ended, Object transaction) {
        List<SimDatabase.Row> items = ending(subject, ended);
        List<SimMap> locked = endingMaps(subject, ended);
        items.forEach(item -> item.taking.put(item.highest() + 1, transaction));
        locked.forEach(map -> map.isLocked = true);
        return () -> {
            items.forEach(item -> item.taking.remove(item.highest() + 1, transaction));
            locked.forEach(map -> map.isLocked = false);
        };
    }

    void end(String subject, List<Activation> ended) {
        ending(subject, ended).forEach(item -> {
            if (!item.taking.isEmpty()) {
                throw new AssertionError("item " + item.id + " ends while a transaction has it");
            }
            item.status = "cancelled";
            item.hasEnded = true;
        });
        endingMaps(subject, ended).forEach(map -> {
            map.hasEnded = true;
            map.activities.clear();
        });
    }

    private List<SimMap> endingMaps(String subject, List<Activation> ended) {
        List<SimMap> ending = new ArrayList<>();
        for (SimMap map : maps.values()) {
            boolean isNamed = map.subject.equals(subject)
                    && ended.stream()
                            .anyMatch(activation -> activation.equals(Checkpoint.ALL_MAPS)
                                    || activation.nodeId().equals(map.node)
                                            && activation.stamp().equals(map.stamp));
            boolean isWithin = ending.stream()
                    .anyMatch(outer -> ItemKey.isItem(map.subject)
                            && ItemKey.mapOf(map.subject).equals(ItemKey.instanceOf(map.subject) + "." + outer.id));
            if (!map.hasEnded && (isNamed || isWithin)) {
                ending.add(map);
            }
        }
        return ending;
    }

    private @Nullable SimMap map(String subject, String node, String stamp) {
        return maps.values().stream()
                .filter(map -> map.subject.equals(subject) && map.node.equals(node) && map.stamp.equals(stamp))
                .findFirst()
                .orElse(null);
    }

    private static boolean isOf(SimMap map, String instance) {
        return ItemKey.instanceOf(map.subject).equals(instance);
    }

    /** How many items have ended so, of all maps. */
    long ended(String status) {
        return maps.values().stream().mapToLong(map -> map.ended(status)).sum();
    }

    /** Nothing of a map goes on once it has ended, and no transaction is left. */
    void check() {
        for (SimMap map : maps.values()) {
            for (SimDatabase.Row item : map.items) {
                database.check(item);
                if (database.row(ItemKey.instanceOf(map.subject)).hasEnded && !map.hasEnded && !isOver(map)) {
                    throw new AssertionError("map " + map.id + " of " + map.subject + " goes on, item " + item.id
                            + " is " + item.status);
                }
            }
        }
    }

    private static boolean isOver(SimMap map) {
        return map.ended("pending") == 0;
    }
}
