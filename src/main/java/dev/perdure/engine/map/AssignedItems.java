package dev.perdure.engine.map;

import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.store.AssignItems;
import dev.perdure.store.Journal.ItemRow;
import dev.perdure.store.Journal.ItemsEnded;
import dev.perdure.store.Journal.Written;
import dev.perdure.store.OpenItems;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Items that are nothing but an activity each: many of them are assigned in one statement, a program's own COMMIT ends each, and nothing of them
 * is in memory but which they are. Guarded by its map.
 */
final class AssignedItems {

    private static final int MOST = 1000;
    private static final long MOST_CHARS = 1024 * 1024;
    private static final Duration LOCKED = Duration.ofMillis(50);

    private final MapContext context;
    private final InstanceActor instance;
    private final long map;
    private final ItemLoader loader;
    private final Tally tally;
    private final ItemWindow window;
    private final Consumer<Runnable> unlessOver;
    private final Count count;
    private final Consumer<ItemsEnded> ends;
    private final boolean areAll;

    /** Items that wait for being asked for, and items that are asked for. */
    private List<ItemRow> next = new ArrayList<>();

    private List<AssignItems.Item> nextItems = new ArrayList<>();
    private List<ItemRow> asked = List.of();
    private @Nullable AssignItems wanted;
    private ItemLoader.@Nullable Activity like;
    private long chars;
    private long turn;
    /** Behind it nothing was begun before this term. */
    private long opened = -1;
    /** First ordinals of those that programs can have. */
    private final Set<Long> assigned = new HashSet<>();
    /** First ordinals of items that cannot be assigned together with others. */
    private final Set<Long> alone = new HashSet<>();
    /** Ended, and not read yet: a page that is read beside the exchanges is older than what they tell, and may show them as pending. */
    private final Map<Long, Boolean> endedUnread = new HashMap<>();

    /** Counts items that have ended. */
    @FunctionalInterface
    interface Count {
        void ended(long first, long rows, boolean well);
    }

    /** @param unlessOver has something done in the map, later and unless it is over; then that goes on */
    AssignedItems(
            MapContext context,
            InstanceActor instance,
            long map,
            ItemLoader loader,
            Tally tally,
            ItemWindow window,
            Consumer<Runnable> unlessOver,
            Count count) {
        this.context = context;
        this.instance = instance;
        this.map = map;
        this.loader = loader;
        this.tally = tally;
        this.window = window;
        this.unlessOver = unlessOver;
        this.count = count;
        this.ends = items -> unlessOver.accept(() -> ended(items));
        this.areAll = loader.isOneActivity();
    }

    /** Listens for the ends that programs write, before anything is read. */
    void listen() {
        if (areAll) {
            context.items().listen(instance.instance(), map, ends);
        }
    }

    /** The number of items that are assigned, or will be. */
    int size() {
        return next.size() + asked.size() + assigned.size();
    }

    /** Rows were read. Of those that they show as pending it is told when they end; the others are counted here. */
    void read(OpenItems.Opened page) {
        if (areAll) {
            opened = opened < 0 ? page.opened() : opened;
            tally.passed(page.completed(), page.failed());
            context.counts().knownToHaveEnded(page.completed() + page.failed());
        }
    }

    /** Those of the page are known from now on: ends since it was read are counted. */
    void areKnown() {
        Map<Long, Boolean> since = Map.copyOf(endedUnread);
        endedUnread.clear();
        since.forEach(this::ended);
    }

    /** Whether one more may be taken before the others are asked for. */
    boolean hasRoom() {
        return next.size() < MOST && chars < MOST_CHARS;
    }

    /** Takes an item, to be assigned with others; false when it has to be worked on by itself. */
    boolean take(List<ItemRow> rows) {
        ItemRow row = rows.get(0);
        if (!areAll) {
            return false;
        } else if (!tally.isOpen(row.ordinal())) {
            // An earlier term had assigned it, and a program has ended it since it was read.
            return true;
        } else if (alone.remove(row.ordinal())) {
            return false;
        }
        ItemLoader.Activity activity = loader.activity(row, context.clock().instant());
        if (activity == null) {
            return false;
        }
        like = activity;
        String payload = activity.assignment().payload();
        chars += payload == null ? 0 : payload.length();
        next.add(row);
        nextItems.add(new AssignItems.Item(row.ordinal(), row.version(), activity.assignment()));
        return true;
    }

    /** Asks for those that were taken, unless others are asked for at present. */
    void ask() {
        if (wanted != null || next.isEmpty() || like == null) {
            return;
        }
        boolean areNew = opened >= 0 && next.stream().allMatch(row -> row.ordinal() > opened);
        asked = next;
        wanted = new AssignItems(map, nextItems, like.failure(), turn, areNew);
        next = new ArrayList<>();
        nextItems = new ArrayList<>();
        chars = 0;
        send(wanted);
    }

    private void send(AssignItems page) {
        context.items()
                .assign(
                        instance.role(),
                        instance.instance(),
                        page,
                        answer -> unlessOver.accept(() -> answered(page, answer)));
    }

    private void answered(AssignItems page, AssignItems.Answer answer) {
        if (answer.written() instanceof Written.Locked) {
            AssignItems again = page.again();
            context.timers().after(LOCKED, () -> unlessOver.accept(() -> send(again)));
            return;
        } else if (answer.written() instanceof Written.Stale) {
            // The end of the map is reported where it happens.
            return;
        }
        List<ItemRow> done = asked;
        asked = List.of();
        wanted = null;
        if (answer.written() instanceof Written.Rejected) {
            done.forEach(row -> alone.add(row.ordinal()));
            window.giveBack(done);
        } else {
            turn = answer.turn();
            // A program may have ended one meanwhile.
            done.stream().map(ItemRow::ordinal).filter(tally::isOpen).forEach(assigned::add);
        }
    }

    private void ended(ItemsEnded items) {
        items.completed().forEach(ordinal -> ended(ordinal, true));
        items.failed().forEach(ordinal -> ended(ordinal, false));
    }

    private void ended(long ordinal, boolean well) {
        if (tally.isOpen(ordinal)) {
            assigned.remove(ordinal);
            count.ended(ordinal, 1, well);
        } else if (ordinal > tally.read()) {
            endedUnread.put(ordinal, well);
        }
    }

    /** The map is over. */
    void clear() {
        context.items().silence(map, ends);
        next.clear();
        nextItems.clear();
        asked = List.of();
        wanted = null;
        assigned.clear();
        endedUnread.clear();
    }
}
