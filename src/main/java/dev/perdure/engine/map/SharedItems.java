package dev.perdure.engine.map;

import dev.perdure.engine.actor.Companion;
import dev.perdure.engine.actor.Home;
import dev.perdure.store.Journal.ItemRow;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Items that share the transaction of another one: they are one statement each, and nothing of them has begun. Guarded by its map. */
final class SharedItems {

    /** An item with more characters is worked on by itself. */
    private static final long MUCH = 64 * 1024;

    private final ItemLoader loader;
    private final ItemWindow window;
    private final boolean isOneStatement;
    private final CompanionLimit limit = new CompanionLimit();
    /** Their rows, by first ordinal. */
    private final Map<Long, List<ItemRow>> together = new HashMap<>();
    /** First ordinals of items that are worked on by themselves. */
    private final Set<Long> alone = new HashSet<>();

    private long chars;

    SharedItems(ItemLoader loader, ItemWindow window) {
        this.loader = loader;
        this.window = window;
        this.isOneStatement = loader.isOneStatement();
    }

    /** Whether there is none at present. */
    boolean isEmpty() {
        return together.isEmpty();
    }

    /** Characters of those that there are. */
    long chars() {
        return chars;
    }

    /** Whether an item takes others into its transaction, if there are any. */
    boolean mayBeMore() {
        return isOneStatement && limit.most() > 0;
    }

    /**
     * The next items join one that begins.
     *
     * @param first its first ordinal
     */
    List<Companion> join(long first, Instant now) {
        List<Companion> companions = new ArrayList<>();
        if (!isOneStatement || alone.contains(first)) {
            return companions;
        }
        long before = chars;
        for (int most = limit.most(); companions.size() < most && chars - before < MUCH; ) {
            ItemRow next = window.peek();
            boolean fits = next != null && ItemLoader.isNew(next) && !alone.contains(next.ordinal());
            List<ItemRow> rows = fits ? window.next() : List.of();
            if (rows.isEmpty()) {
                break;
            }
            Companion companion = loader.companion(rows, now);
            if (companion == null) {
                alone.add(rows.get(0).ordinal());
                window.giveBack(rows);
                break;
            }
            companions.add(companion);
            together.put(rows.get(0).ordinal(), rows);
            chars += ItemWindow.chars(rows);
        }
        return companions;
    }

    /** They have ended, or are to be worked on again; the outcome decides how many join from now on. */
    void over(List<Companion> companions, Home.CompanionOutcome outcome) {
        // The first of them is to be the first again.
        for (int i = companions.size() - 1; i >= 0; i--) {
            long first = companions.get(i).item().key().first();
            List<ItemRow> rows = together.remove(first);
            chars -= ItemWindow.chars(rows);
            if (outcome == Home.CompanionOutcome.FAILED) {
                alone.add(first);
            }
            if (outcome == Home.CompanionOutcome.FAILED || outcome == Home.CompanionOutcome.ROLLED_BACK) {
                window.giveBack(rows);
            }
        }
        if (outcome == Home.CompanionOutcome.COMMITTED) {
            limit.wentWell();
        } else if (outcome == Home.CompanionOutcome.FAILED) {
            limit.failed();
        }
    }

    /** An item ended that was worked on by itself. */
    void aloneEnded(long first, boolean well) {
        alone.remove(first);
        if (well) {
            limit.aloneWell();
        }
    }

    void clear() {
        together.clear();
        chars = 0;
    }
}
