package dev.perdure.engine.owner;

import dev.perdure.engine.queue.FairQueue;
import dev.perdure.store.AssignItems;
import dev.perdure.store.Journal.FindMap;
import dev.perdure.store.Journal.FoundMap;
import dev.perdure.store.Journal.FreezeItems;
import dev.perdure.store.Journal.Items;
import dev.perdure.store.Journal.ItemsAnswer;
import dev.perdure.store.Journal.ItemsEnded;
import dev.perdure.store.Journal.Written;
import dev.perdure.store.OpenItems;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes of items that wait for an exchange: each takes some of them along, roles and instances in turn. What is too large to be
 * read with one waits for {@link LargeItemReads}. Answers are given on the loop's thread. Of one map only one wish is under way. Thread-safe.
 */
public final class ItemReads {

    /** Wishes of one exchange: a page of a map takes some milliseconds, twenty where the server is busy, and everybody waits for them. */
    private static final int MOST = 8;
    /** Items that one exchange reads and lets programs have; one wish at least. */
    private static final int MOST_ROWS = 2000;
    /** Of what an exchange writes; one wish at least. */
    private static final long MOST_CHARS = 512 * 1024;

    private sealed interface Wish {
        long role();

        String instance();

        /** The characters that are sent for it, about. */
        default long chars() {
            return 0;
        }

        /** The items that it reads or writes, at most. */
        default int rows() {
            return 0;
        }
    }

    private record Find(long role, String instance, FindMap map, Consumer<Optional<FoundMap>> answer) implements Wish {}

    private record Freeze(long role, String instance, FreezeItems items, Consumer<Written> answer) implements Wish {
        @Override
        public long chars() {
            return items.rows().length();
        }
    }

    /** Items that are to be read. */
    record Open(long role, String instance, OpenItems items, Consumer<OpenItems.@Nullable Opened> answer)
            implements Wish {
        @Override
        public int rows() {
            return Math.abs(items.limit());
        }
    }

    private record Assign(long role, String instance, AssignItems items, Consumer<AssignItems.Answer> answer)
            implements Wish {
        @Override
        public long chars() {
            return items.payloadChars();
        }

        @Override
        public int rows() {
            return items.items().size();
        }
    }

    /** A listener for items of a map that programs have ended. */
    private record Listener(String instance, Consumer<ItemsEnded> ends) {}

    /** The reads that go with one exchange. */
    static final class Batch {
        private final List<Find> find = new ArrayList<>();
        private final List<Freeze> freeze = new ArrayList<>();
        private final List<Open> open = new ArrayList<>();
        private final List<Assign> assign = new ArrayList<>();

        Items items() {
            return find.isEmpty() && freeze.isEmpty() && open.isEmpty() && assign.isEmpty()
                    ? Items.NONE
                    : new Items(
                            find.stream().map(Find::map).toList(),
                            freeze.stream().map(Freeze::items).toList(),
                            open.stream().map(Open::items).toList(),
                            assign.stream().map(Assign::items).toList());
        }
    }

    private final Wakeup loop;
    private final FairQueue<Wish> queue = new FairQueue<>(FairQueue.Limits.of(Integer.MAX_VALUE));
    private final FairQueue<Open> large = new FairQueue<>(FairQueue.Limits.of(Integer.MAX_VALUE));
    /** By map. */
    private final Map<Long, Listener> listeners = new ConcurrentHashMap<>();

    ItemReads(Wakeup loop) {
        this.loop = loop;
    }

    /** Looks for an execution of a map. */
    public void find(long role, String instance, FindMap map, Consumer<Optional<FoundMap>> answer) {
        add(new Find(role, instance, map, answer));
        loop.wake();
    }

    /** Writes items down that are in memory. */
    public void freeze(long role, String instance, FreezeItems items, Consumer<Written> answer) {
        add(new Freeze(role, instance, items, answer));
        loop.wake();
    }

    /**
     * Reads items. The answer is null when that is not possible at this moment.
     *
     * @param isLarge whether they are probably too large for an exchange
     */
    public void open(
            long role, String instance, OpenItems items, boolean isLarge, Consumer<OpenItems.@Nullable Opened> answer) {
        Open wish = new Open(role, instance, items, answer);
        if (isLarge) {
            large.add(role, instance, wish);
        } else {
            add(wish);
        }
        loop.wake();
    }

    /** Lets programs have items. */
    public void assign(long role, String instance, AssignItems items, Consumer<AssignItems.Answer> answer) {
        add(new Assign(role, instance, items, answer));
        loop.wake();
    }

    /**
     * Has a map told of items that programs have ended, from the next read on: an item that an answer shows as pending is told of when it
     * ends, behind that answer.
     */
    public void listen(String instance, long map, Consumer<ItemsEnded> ends) {
        listeners.put(map, new Listener(instance, ends));
    }

    /** Tells a map nothing any more. */
    public void silence(long map, Consumer<ItemsEnded> ends) {
        listeners.computeIfPresent(map, (id, listener) -> listener.ends() == ends ? null : listener);
    }

    /** Maps that nobody works on know of it when they are read. */
    void ended(ItemsEnded items, Teller teller) {
        Listener listener = listeners.get(items.map());
        if (listener != null) {
            teller.tell(listener.instance(), () -> listener.ends().accept(items));
        }
    }

    private void add(Wish wish) {
        queue.add(wish.role(), wish.instance(), wish);
    }

    Batch next() {
        Batch batch = new Batch();
        long chars = 0;
        int rows = 0;
        for (int i = 0; i < MOST && chars < MOST_CHARS && rows < MOST_ROWS; i++) {
            Wish wish = queue.poll();
            if (wish == null) {
                break;
            }
            queue.release(wish.role());
            chars += wish.chars();
            rows += wish.rows();
            if (wish instanceof Find find) {
                batch.find.add(find);
            } else if (wish instanceof Freeze freeze) {
                batch.freeze.add(freeze);
            } else if (wish instanceof Open open) {
                batch.open.add(open);
            } else if (wish instanceof Assign assign) {
                batch.assign.add(assign);
            }
        }
        return batch;
    }

    void answered(Batch batch, ItemsAnswer answer, Teller teller) {
        for (int i = 0; i < batch.find.size(); i++) {
            Find asked = batch.find.get(i);
            Optional<FoundMap> found = answer.found().get(i);
            teller.tell(asked.instance(), () -> asked.answer().accept(found));
        }
        for (int i = 0; i < batch.freeze.size(); i++) {
            Freeze asked = batch.freeze.get(i);
            Written frozen = answer.frozen().get(i);
            teller.tell(asked.instance(), () -> asked.answer().accept(frozen));
        }
        for (int i = 0; i < batch.open.size(); i++) {
            opened(batch.open.get(i), answer.opened().get(i), teller);
        }
        for (int i = 0; i < batch.assign.size(); i++) {
            Assign asked = batch.assign.get(i);
            AssignItems.Answer assigned = answer.assigned().get(i);
            teller.tell(asked.instance(), () -> asked.answer().accept(assigned));
        }
    }

    /** Takes the answer to a wish to read items; asks again when there is none yet. */
    void opened(Open asked, OpenItems.Answer answer, Teller teller) {
        if (answer == OpenItems.NotOpened.LARGE) {
            large.add(asked.role(), asked.instance(), asked);
        } else if (answer == OpenItems.NotOpened.LATER) {
            add(asked);
        } else {
            OpenItems.Opened opened = answer instanceof OpenItems.Opened read ? read : null;
            teller.tell(asked.instance(), () -> asked.answer().accept(opened));
        }
    }

    /** Those that are to be read beside the exchanges next, so many at most. */
    List<Open> nextLarge(int most) {
        List<Open> next = new ArrayList<>();
        for (Open wish = large.poll(); wish != null; wish = next.size() < most ? large.poll() : null) {
            large.release(wish.role());
            next.add(wish);
        }
        return next;
    }

    /** They could not be read, and wait again. */
    void notRead(List<Open> wishes) {
        wishes.forEach(wish -> large.add(wish.role(), wish.instance(), wish));
    }

    /** Whether it was done is unknown; all of it can be asked for again. */
    void lost(Batch batch) {
        batch.find.forEach(this::add);
        batch.freeze.forEach(this::add);
        batch.open.forEach(this::add);
        batch.assign.forEach(asked ->
                add(new Assign(asked.role(), asked.instance(), asked.items().again(), asked.answer())));
    }
}
