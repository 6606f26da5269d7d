package dev.perdure.engine.map;

import dev.perdure.engine.actor.Attempt;
import dev.perdure.engine.actor.Companion;
import dev.perdure.engine.actor.Home;
import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.queue.MemoryQuota;
import dev.perdure.flow.Checkpoint;
import dev.perdure.flow.Effect;
import dev.perdure.store.ItemKey;
import dev.perdure.store.Journal.FoundMap;
import dev.perdure.store.Journal.ItemFailure;
import dev.perdure.store.Journal.ItemRow;
import dev.perdure.store.OpenItems;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One execution of a map, in memory. It reads a window of items that have not ended, has as many of them worked on as may be at once, counts
 * how they end, and tells the instance when that is decided. Items do not go through the instance's mailbox: they are actors, and their rows
 * say how far they are. Thread-safe.
 */
final class MapRun implements Attempt, Home {

    private static final int PAGE = 1000;

    private static final Duration SHOWN_AFTER = Duration.ofMillis(100);
    private static final Duration TICK = Duration.ofSeconds(1);
    private static final Duration WITHOUT_MEMORY = Duration.ofMillis(50);
    private static final Duration LOCKED = Duration.ofMillis(50);

    private final MapContext context;
    private final InstanceActor instance;
    private final Effect.RunMap effect;
    private final FoundMap map;
    private final Instant startedAt;
    private final ItemLoader loader;
    private final MapEnd end;

    private final Tally tally;
    private final ItemWindow window;
    private final SharedItems shared;
    private final AssignedItems assigned;
    private final MapMemory memory;
    /** First ordinals of items that are to be read once more. */
    private final Deque<Long> again = new ArrayDeque<>();

    private final Map<Long, InstanceActor> working = new HashMap<>();

    private int maxConcurrent;
    private boolean reading;
    /** Whether the last ones were large: the next ones are read beside the exchanges, without being unpacked in one first. */
    private boolean areLarge;

    private boolean isOver;
    private boolean waitsForMemory;

    /**
     * Within the mailbox of the instance.
     *
     * @param instance that it belongs to, or an item in which it stands
     */
    MapRun(MapContext context, InstanceActor instance, Effect.RunMap effect, FoundMap map, Instant startedAt) {
        this.context = context;
        this.instance = instance;
        this.effect = effect;
        this.map = map;
        this.startedAt = startedAt;
        this.loader = new ItemLoader(instance, effect, map);
        this.tally = loader.tally();
        this.window = new ItemWindow(map.total(), effect.plan().batchSize());
        this.shared = new SharedItems(loader, window);
        this.assigned = new AssignedItems(
                context, instance, map.id(), loader, tally, window, what -> post(() -> unlessOver(what)), this::count);
        this.memory = new MapMemory(context.memory(), context.lastResort(), instance.role());
        this.end = new MapEnd(context, instance, effect, map, window, startedAt, this);
        setMaxConcurrent(map.maxConcurrent());
    }

    private void setMaxConcurrent(@Nullable Integer changed) {
        maxConcurrent = changed == null ? effect.plan().maxConcurrent() : changed;
    }

    void start() {
        context.counts().began(tally.left());
        assigned.listen();
        goOn();
        later(SHOWN_AFTER, this::showRunning);
        later(TICK, this::tick);
    }

    private synchronized void showRunning() {
        if (!isOver) {
            instance.shown().instance(startedAt);
            instance.shown().node(effect.activation(), startedAt);
        }
    }

    /** Runs a task in the mailbox of the instance, where a failure is the instance's breakdown. */
    private void post(Runnable what) {
        instance.post((self, drain) -> {
            what.run();
            return true;
        });
    }

    private void later(Duration delay, Runnable what) {
        context.timers().after(delay, () -> post(what));
    }

    // ---- items are worked on

    private synchronized void tick() {
        if (isOver) {
            return;
        }
        // Its progress, for readers; and whether it may have more at once.
        if (!reading) {
            read(tally.read(), 0, opened -> {});
        }
        later(TICK, this::tick);
    }

    private synchronized void goOn() {
        if (isOver) {
            return;
        }
        if (isFailed()) {
            // Who has seen the last failure has not said so: it died, or did not learn of it.
            stop();
            end.failedAsWritten(tally.failed());
            return;
        }
        accountFor();
        while (working.size() + assigned.size() < atOnce()
                && assigned.hasRoom()
                && instance.mayBegin()
                && !waitsForMemory) {
            List<ItemRow> rows = window.next();
            if (rows.isEmpty()) {
                break;
            }
            if (!assigned.take(rows) && !work(rows)) {
                break;
            }
        }
        if (isOver) {
            return;
        }
        assigned.ask();
        accountFor();
        if (!window.hasNext() && memory.neverFits(window.chars())) {
            end.tooLarge(memory.most());
            stop();
            return;
        }
        readMore();
        if (tally.isAllRead()
                && !reading
                && window.isEmpty()
                && again.isEmpty()
                && working.isEmpty()
                && shared.isEmpty()
                && assigned.size() == 0) {
            complete();
        }
    }

    /**
     * Items that share transactions can take all of a server. Two transactions at once would make the steps of another role take twice as
     * long on two cores, and bring a third more (docs/performance.md).
     */
    private int atOnce() {
        boolean isModest = shared.mayBeMore() && context.othersAreAtWork().test(instance.role());
        return isModest ? 1 : maxConcurrent;
    }

    private boolean isFailed() {
        return effect.plan().tolerated().isExceededBy(tally.failed(), tally.total());
    }

    private boolean work(List<ItemRow> rows) {
        MemoryQuota.Holding itsOwn = memory.take(rows, working.isEmpty());
        if (itsOwn == null) {
            window.giveBack(rows);
            waitForMemory();
            return false;
        }
        InstanceActor actor = context.actors().get().begin(loader.load(rows, this), itsOwn);
        if (actor == null) {
            // The term ends, and what it still writes must not be that these have ended.
            stop();
            return false;
        }
        working.put(rows.get(0).ordinal(), actor);
        return true;
    }

    private void waitForMemory() {
        if (!waitsForMemory) {
            waitsForMemory = true;
            later(WITHOUT_MEMORY, this::tryMemory);
        }
    }

    private void tryMemory() {
        unlessOver(() -> waitsForMemory = false);
    }

    private synchronized void unlessOver(Runnable what) {
        if (!isOver) {
            what.run();
            goOn();
        }
    }

    /** Accounts for the memory of items that were read and that nobody works on, or that are worked on along with others. */
    private void accountFor() {
        if (!reading) {
            memory.holds(window.chars() + shared.chars());
        }
    }

    // ---- items that are one statement share transactions

    @Override
    public synchronized List<Companion> companions(InstanceActor actor) {
        if (isOver || !instance.mayBegin()) {
            return List.of();
        }
        List<Companion> companions =
                shared.join(ItemLoader.keyOf(actor).first(), context.clock().instant());
        readMore();
        return companions;
    }

    @Override
    public synchronized void companionsOver(List<Companion> companions, CompanionOutcome outcome) {
        if (isOver) {
            return;
        }
        shared.over(companions, outcome);
        for (Companion companion : companions) {
            ItemKey key = companion.item().key();
            if (outcome == CompanionOutcome.COMMITTED) {
                count(key.first(), key.size(), true);
            } else if (outcome == CompanionOutcome.UNKNOWN) {
                again.add(key.first());
            }
        }
        goOn();
    }

    // ---- items are read

    private void readMore() {
        boolean isWanted = !again.isEmpty() || !tally.isAllRead() && window.isLow();
        if (reading || !isWanted) {
            return;
        }
        if (!memory.takePage(working.isEmpty() && !window.hasNext())) {
            waitForMemory();
            return;
        }
        Long once = again.poll();
        if (once != null) {
            read(once - 1, -window.sizeOf(once), opened -> readAgain(once, opened));
        } else {
            read(tally.read(), PAGE, this::readPage);
        }
    }

    private void read(long after, int limit, Consumer<OpenItems.Opened> what) {
        reading = true;
        OpenItems wanted = new OpenItems(map.id(), after, limit, tally.settled(), tally.completed(), tally.failed());
        context.items()
                .open(
                        instance.role(),
                        instance.instance(),
                        wanted,
                        areLarge && limit != 0,
                        opened -> post(() -> opened(opened, after, limit, what)));
    }

    private synchronized void opened(
            OpenItems.@Nullable Opened opened, long after, int limit, Consumer<OpenItems.Opened> what) {
        if (isOver) {
            return;
        }
        if (opened == null) {
            later(LOCKED, () -> unlessOver(() -> read(after, limit, what)));
            return;
        }
        reading = false;
        if (limit != 0) {
            areLarge = ItemWindow.chars(opened.rows()) > OpenItems.EXCHANGE_BYTES;
        }
        setMaxConcurrent(opened.maxConcurrent());
        what.accept(opened);
        goOn();
    }

    private void readPage(OpenItems.Opened opened) {
        assigned.read(opened);
        opened.rows().forEach(row -> window.add(row, tally));
        assigned.areKnown();
        if (opened.rows().isEmpty()) {
            tally.readUpTo(tally.total());
        }
    }

    /** An item that is not as memory believes: it goes on, or has ended meanwhile. */
    private void readAgain(long first, OpenItems.Opened opened) {
        if (opened.rows().isEmpty()) {
            throw new IllegalStateException("item " + first + " of map " + map.id() + " is gone");
        }
        String status = opened.rows().get(0).status();
        if (status.equals("pending")) {
            window.giveBack(opened.rows());
        } else {
            count(first, opened.rows().size(), status.equals("completed"));
        }
    }

    // ---- items end

    @Override
    public synchronized void load(InstanceActor item, long bytes) {
        long first = ItemLoader.keyOf(item).first();
        if (working.remove(first, item) && !isOver) {
            again.add(first);
            goOn();
        }
    }

    @Override
    public synchronized void ended(InstanceActor item, Checkpoint.InstanceEnd end) {
        ItemKey key = ItemLoader.keyOf(item);
        if (!working.remove(key.first(), item) || isOver) {
            return;
        }
        boolean isWell = end.status() == Checkpoint.InstanceEnd.Status.COMPLETED;
        shared.aloneEnded(key.first(), isWell);
        count(key.first(), key.size(), isWell);
        if (!isWell && isFailed()) {
            stop();
            this.end.failed(new ItemFailure(key.first(), end.output(), end.code(), end.step()), tally.failed());
            return;
        }
        goOn();
    }

    private void count(long first, long rows, boolean well) {
        tally.ended(first, rows, well);
        context.counts().ended(rows, well);
    }

    // ---- it is over

    private void complete() {
        stop();
        end.completed(tally);
    }

    private void stop() {
        isOver = true;
        assigned.clear();
        context.counts().over(tally.left());
        List<InstanceActor> items = new ArrayList<>(working.values());
        working.clear();
        window.clear();
        shared.clear();
        memory.close();
        items.forEach(context.actors().get()::leave);
    }

    @Override
    public synchronized void interrupt() {
        if (!isOver) {
            stop();
        }
    }

    @Override
    public synchronized boolean isUnderWay() {
        return !working.isEmpty();
    }
}
