package dev.perdure.engine.owner;

import dev.perdure.database.LogText;
import dev.perdure.engine.actor.Actors;
import dev.perdure.engine.actor.TimerPort;
import dev.perdure.engine.queue.MemoryQuota;
import dev.perdure.store.Journal;
import dev.perdure.store.JournalException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The owner's loop: one exchange with the journal at a time, which takes along all waiting writes, reads and looks, and looks for news. A
 * turn of the loop never blocks; it runs on one thread.
 */
public final class OwnerLoop implements Wakeup {

    private static final Logger LOG = Logger.getLogger(OwnerLoop.class);
    private static final long MAKE_ROOM_NANOS = 50_000_000;
    private static final long SAY_NANOS = 1_000_000_000;

    /**
     * The intervals of looking for work.
     *
     * @param idle while nothing happens and callers say when something does
     * @param busy while much happens
     * @param idleAfter over which time arrivals are counted to tell one from the other
     * @param notifications whether callers may be asked to send NOTIFY
     */
    public record Pace(Duration idle, Duration busy, Duration idleAfter, boolean notifications) {}

    /** The parts sent with an exchange. */
    private record Sent(
            GroupCommit.Batch writes,
            AttemptWriter.Batch begins,
            List<Journal.Mark> marks,
            Intake.Reading reading,
            SignalDelivery.Batch signals,
            ItemReads.Batch items,
            boolean looks,
            @Nullable Boolean idle) {}

    private final Journal journal;
    private final Executor thread;
    private final TimerPort timers;
    private final LongSupplier nanos;
    private final ServerClock clock;
    private final OwnerDesk desk;
    private final Actors actors;
    private final MemoryQuota memory;
    private final Runnable makeRoom;
    private final Consumer<String> stepDown;
    private final LookPace looks;
    private final RetryPause retry;
    private final LargeReads largeReads;
    private final LargeItemReads largeItemReads;
    private final Teller teller;
    private final AtomicBoolean asked = new AtomicBoolean();

    // Touched on the loop's thread only.
    private boolean sending;
    private boolean stopped;
    private long madeRoomAt;
    private long saidAt;
    private boolean lookNow = true;

    private volatile long turnedAt;
    private volatile boolean woken;
    private TimerPort.@Nullable Cancellation next;

    /**
     * A loop that begins with {@link #start}.
     *
     * @param thread runs its turns, one after the other
     * @param desk where others leave what is to be done
     * @param makeRoom called now and then while memory is wanted
     * @param stepDown ends the term, with the reason
     */
    public OwnerLoop(
            Journal journal,
            Executor thread,
            TimerPort timers,
            LongSupplier nanos,
            ServerClock clock,
            Pace pace,
            OwnerDesk desk,
            Actors actors,
            MemoryQuota memory,
            Runnable makeRoom,
            Consumer<String> stepDown) {
        this.journal = journal;
        this.thread = thread;
        this.timers = timers;
        this.nanos = nanos;
        this.clock = clock;
        this.desk = desk;
        this.actors = actors;
        this.memory = memory;
        this.makeRoom = makeRoom;
        this.stepDown = stepDown;
        this.looks = new LookPace(pace, desk.intake());
        this.teller = new Teller(actors, stepDown);
        this.retry = new RetryPause(nanos);
        this.largeReads = new LargeReads(journal, thread, nanos, desk.intake(), actors, teller);
        this.largeItemReads = new LargeItemReads(journal, thread, nanos, desk.items(), teller);
        this.turnedAt = nanos.getAsLong();
        this.saidAt = turnedAt;
        this.madeRoomAt = turnedAt - MAKE_ROOM_NANOS;
    }

    /** Begins to turn. */
    public void start() {
        wake();
    }

    /** Something waits to be written or read. */
    @Override
    public void wake() {
        if (asked.compareAndSet(false, true)) {
            thread.execute(this::turn);
        }
    }

    /** Something may have come: look at once. */
    public void lookNow() {
        woken = true;
        wake();
    }

    /** Whether NOTIFYs are heard at present; otherwise it looks often. */
    public void listens(boolean now) {
        looks.listens(now);
        wake();
    }

    /** Whether callers that start something send a NOTIFY, and it is heard. */
    public boolean isTold() {
        return looks.isTold();
    }

    /** Ends it: nothing is sent any more. */
    public void stop() {
        thread.execute(() -> {
            stopped = true;
            cancelNext();
        });
    }

    /** Nanoseconds since it turned last: it is stuck when that is long, and when an exchange is not answered. */
    public long nanosSinceTurn() {
        return nanos.getAsLong() - turnedAt;
    }

    private void turn() {
        asked.set(false);
        if (woken) {
            woken = false;
            lookNow = true;
        }
        if (sending || stopped) {
            return;
        }
        turnedAt = nanos.getAsLong();
        cancelNext();
        try {
            send();
        } catch (RuntimeException | Error e) {
            broken(e);
        }
    }

    /** Ends the loop after a failure in it: the next term finds its unfinished work in the tables. */
    private void broken(Throwable failure) {
        LOG.error("The owner's loop failed", failure);
        end("the owner's loop failed: " + failure);
    }

    private void send() {
        largeReads.begin(this::largeEnded);
        largeItemReads.begin(this::largeEnded);
        boolean isLook = lookNow || desk.intake().hasMore() || looks.nanosUntilNext(nanos.getAsLong()) <= 0;
        Boolean says = looks.idleToSay(nanos.getAsLong());
        Sent sent = new Sent(
                desk.writes().next(),
                desk.begins().next(),
                desk.marks().next(),
                desk.intake().reading(actors),
                desk.signals().next(),
                desk.items().next(),
                isLook,
                says);
        Journal.Exchange exchange = new Journal.Exchange(
                sent.writes().writes(),
                sent.marks(),
                sent.begins().marks(),
                isLook ? desk.intake().look(clock.instant()) : null,
                sent.reading().load(),
                sent.signals().isEmpty()
                        ? null
                        : new Journal.SignalLook(sent.signals().wanted(), SignalDelivery.BYTES),
                sent.items().items(),
                says);
        if (exchange.isEmpty()) {
            makeRoom(sent.reading());
            sleep();
            return;
        }
        sending = true;
        if (isLook) {
            lookNow = false;
        }
        actors.loadBegins();
        exchanged(exchange)
                .whenComplete((answer, failure) -> thread.execute(() -> {
                    sending = false;
                    turnedAt = nanos.getAsLong();
                    if (stopped) {
                        return;
                    }
                    try {
                        if (answer != null) {
                            answered(sent, answer);
                        } else {
                            lost(sent, failure);
                        }
                    } catch (RuntimeException | Error e) {
                        broken(e);
                    }
                }));
    }

    private CompletionStage<Journal.Answer> exchanged(Journal.Exchange exchange) {
        try {
            return journal.exchange(exchange);
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private void largeEnded(@Nullable Throwable failure) {
        if (stopped) {
            return;
        }
        if (failure != null && JournalException.cause(failure) instanceof Error error) {
            broken(error);
        } else if (failure != null && JournalException.isFenced(failure)) {
            fenced();
        } else {
            turn();
        }
    }

    private void fenced() {
        end("another term has begun");
    }

    private void end(String why) {
        stopped = true;
        stepDown.accept(why);
    }

    private void answered(Sent sent, Journal.Answer answer) {
        retry.succeeded();
        clock.set(answer.now());
        desk.writes().answered(sent.writes(), answer.written(), teller);
        desk.begins().answered(sent.begins(), answer.begun(), teller);
        desk.items().answered(sent.items(), answer.items(), teller);
        if (sent.idle() != null) {
            looks.said(sent.idle());
        }
        if (sent.looks() && answer.news() != null) {
            Journal.News news = answer.news();
            int answers = news.signals().size() + news.items().size();
            looks.looked(nanos.getAsLong(), news.along().size() + news.started().size(), answers);
            desk.intake().found(news, actors, desk.signals(), teller);
            news.items().forEach(ended -> desk.items().ended(ended, teller));
        }
        desk.intake().read(sent.reading(), answer.loaded(), actors, teller);
        if (!sent.signals().isEmpty()) {
            boolean isComplete = SignalDelivery.isComplete(answer.signals());
            desk.signals().answered(sent.signals(), answer.signals(), isComplete, teller);
        }
        desk.intake().tryNext(nanos.getAsLong(), actors);
        saySurvived();
        makeRoom(sent.reading());
        turn();
    }

    private void makeRoom(Intake.Reading last) {
        boolean isCrowded = desk.intake().waiting() > 0 && last.load() == null || memory.isWanted();
        if (isCrowded && nanos.getAsLong() - madeRoomAt >= MAKE_ROOM_NANOS) {
            madeRoomAt = nanos.getAsLong();
            makeRoom.run();
        }
    }

    /** Records that the term has lasted for a while with the instances taken over, which are on record as tried. */
    private void saySurvived() {
        if (desk.intake().hasTakenOver() && nanos.getAsLong() - saidAt > SAY_NANOS) {
            saidAt = nanos.getAsLong();
            journal.survived(false);
        }
    }

    private void lost(Sent sent, Throwable failure) {
        if (JournalException.isFenced(failure)) {
            fenced();
            return;
        }
        Throwable cause = JournalException.cause(failure);
        if (cause instanceof Error) {
            broken(cause);
            return;
        }
        if (!(cause instanceof JournalException)) {
            LOG.error("An exchange with the tables failed in an unknown way", cause);
        }
        desk.writes().lost(sent.writes());
        desk.begins().lost(sent.begins());
        desk.marks().lost(sent.marks());
        desk.intake().lost(sent.reading());
        desk.signals().lost(sent.signals());
        desk.items().lost(sent.items());
        lookNow |= sent.looks();
        if (!retry.isRetry()) {
            LOG.warnf("The tables do not answer, asking again: %s", LogText.of(String.valueOf(cause.getMessage())));
        }
        sleepFor(retry.failed());
    }

    private void sleep() {
        long untilLook = Math.max(0, looks.nanosUntilNext(nanos.getAsLong()));
        // Who wants memory may wait for what only others' leaving brings, and no exchange of its own.
        long untilRoom = memory.isWanted() ? MAKE_ROOM_NANOS : Long.MAX_VALUE;
        sleepFor(Math.min(Math.min(untilLook, untilRoom), desk.writes().nanosUntilNext()));
    }

    private void sleepFor(long pause) {
        next = timers.after(Duration.ofNanos(Math.max(100_000, pause)), this::wake);
    }

    private void cancelNext() {
        if (next != null) {
            next.cancel();
            next = null;
        }
    }
}
