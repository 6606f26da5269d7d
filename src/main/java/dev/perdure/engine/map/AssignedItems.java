package dev.perdure.engine.map;

import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.store.Journal.AssignItems;
import dev.perdure.store.Journal.Assigned;
import dev.perdure.store.Journal.AssignedItem;
import dev.perdure.store.Journal.ItemRow;
import dev.perdure.store.Journal.Written;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Items that are nothing but an activity each: many of them are assigned in one statement, a program's own COMMIT ends each, and nothing of them
 * is in memory but which they are. Guarded by its map.
 */
final class AssignedItems {

    private static final int MOST = 500;
    private static final long MOST_CHARS = 1024 * 1024;

    private final MapContext context;
    private final InstanceActor instance;
    private final long map;
    private final ItemLoader loader;
    private final Tally tally;
    private final Consumer<Assigned> answers;
    private final boolean areAll;

    /** That wait for being asked for, and that are asked for. */
    private List<ItemRow> next = new ArrayList<>();

    private List<AssignedItem> nextItems = new ArrayList<>();
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

    /** @param answers told what came of asking */
    AssignedItems(
            MapContext context,
            InstanceActor instance,
            long map,
            ItemLoader loader,
            Tally tally,
            Consumer<Assigned> answers) {
        this.context = context;
        this.instance = instance;
        this.map = map;
        this.loader = loader;
        this.tally = tally;
        this.answers = answers;
        this.areAll = loader.isOneActivity();
    }

    /** Whether the items of the map are such. */
    boolean areAll() {
        return areAll;
    }

    /** How many are assigned, or will be. */
    int size() {
        return next.size() + asked.size() + assigned.size();
    }

    /** Rows were read. */
    void read(long openedBefore) {
        opened = opened < 0 ? openedBefore : opened;
    }

    /** Whether one more may be taken before the others are asked for. */
    boolean hasRoom() {
        return next.size() < MOST && chars < MOST_CHARS;
    }

    /** Takes an item, to be assigned with others; false when it has to be worked on by itself. */
    boolean take(List<ItemRow> rows) {
        ItemRow row = rows.get(0);
        if (!areAll || alone.remove(row.ordinal())) {
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
        nextItems.add(new AssignedItem(row.ordinal(), row.version(), activity.assignment()));
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
        context.items().assign(instance.role(), instance.instance(), wanted, answers);
    }

    /** Asks for the same once more. */
    void askAgain() {
        if (wanted != null) {
            wanted = new AssignItems(map, wanted.items(), wanted.failure(), turn, false);
            context.items().assign(instance.role(), instance.instance(), wanted, answers);
        }
    }

    /**
     * What came of asking.
     *
     * @return those that have to be worked on by themselves
     */
    List<ItemRow> answered(Assigned answer) {
        List<ItemRow> done = asked;
        asked = List.of();
        wanted = null;
        if (answer.written() instanceof Written.Rejected) {
            done.forEach(row -> alone.add(row.ordinal()));
            return done;
        }
        turn = answer.turn();
        // A program may have ended one meanwhile.
        done.stream().map(ItemRow::ordinal).filter(tally::isOpen).forEach(assigned::add);
        return List.of();
    }

    /** A program has ended one. */
    void ended(long ordinal) {
        assigned.remove(ordinal);
    }

    void clear() {
        next.clear();
        nextItems.clear();
        asked = List.of();
        wanted = null;
        assigned.clear();
    }
}
