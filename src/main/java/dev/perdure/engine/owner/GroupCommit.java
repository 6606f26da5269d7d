package dev.perdure.engine.owner;

import dev.perdure.engine.actor.DecisionWriter;
import dev.perdure.engine.queue.FairQueue;
import dev.perdure.store.Journal.Write;
import dev.perdure.store.Journal.Written;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * The owner's decisions that wait to be written. Decisions that come while an exchange is under way go with the next one, roles in turn,
 * up to a number and to so many bytes. Each has an outcome of its own; one whose rows are locked is tried again alone, after pauses that
 * grow. Thread-safe.
 */
public final class GroupCommit implements DecisionWriter {

    /** The limits of one exchange. */
    private static final int MOST = 64;

    private static final long MOST_BYTES = 2 * 1024 * 1024;
    private static final long FIRST_PAUSE_NANOS = 5_000_000;
    private static final long LONGEST_PAUSE_NANOS = 1_000_000_000;

    private static final class Pending {
        final long role;
        final Write write;
        final Consumer<Written> answer;
        int lockedTimes;
        long dueAt;

        Pending(long role, Write write, Consumer<Written> answer) {
            this.role = role;
            this.write = write;
            this.answer = answer;
        }

        long bytes() {
            return write.state().length()
                    + (write.also() == null ? 0L : write.also().length());
        }
    }

    /** Writes that go with one exchange. */
    static final class Batch {
        private final List<Pending> items = new ArrayList<>();

        boolean isEmpty() {
            return items.isEmpty();
        }

        List<Write> writes() {
            return items.stream().map(pending -> pending.write).toList();
        }
    }

    private final Wakeup loop;
    private final LongSupplier nanos;
    private final FairQueue<Pending> ready = new FairQueue<>(FairQueue.Limits.of(Integer.MAX_VALUE));
    private final PriorityQueue<Pending> paused = new PriorityQueue<>((a, b) -> Long.signum(a.dueAt - b.dueAt));

    private boolean closed;

    public GroupCommit(Wakeup loop, LongSupplier nanos) {
        this.loop = loop;
        this.nanos = nanos;
    }

    @Override
    public void write(long role, Write write, Consumer<Written> answer) {
        ready.add(role, write.instance(), new Pending(role, write, answer));
        loop.wake();
    }

    /** The writes of the next exchange; they have to be answered by {@link #answered} or {@link #lost}. */
    synchronized Batch next() {
        Batch batch = new Batch();
        if (closed) {
            return batch;
        }
        long now = nanos.getAsLong();
        while (!paused.isEmpty() && paused.peek().dueAt - now <= 0) {
            add(paused.poll());
        }
        long bytes = 0;
        while (batch.items.size() < MOST && bytes < MOST_BYTES) {
            Pending pending = ready.poll();
            if (pending == null) {
                break;
            }
            ready.release(pending.role);
            batch.items.add(pending);
            bytes += pending.bytes();
        }
        return batch;
    }

    private void add(Pending pending) {
        ready.add(pending.role, pending.write.instance(), pending);
    }

    /** Takes the outcomes of a batch, in order. The last ones, without an outcome, were not written and go with the next exchange. */
    void answered(Batch batch, List<Written> outcomes, Teller teller) {
        synchronized (this) {
            batch.items.subList(outcomes.size(), batch.items.size()).forEach(this::add);
        }
        for (int i = 0; i < outcomes.size(); i++) {
            Pending pending = batch.items.get(i);
            Written outcome = outcomes.get(i);
            if (outcome instanceof Written.Locked) {
                pause(pending);
            } else {
                teller.tell(pending.write.instance(), () -> pending.answer.accept(outcome));
            }
        }
    }

    /** Puts back a batch without an answer: it may have been committed, and then shows as stale when it is sent again. */
    synchronized void lost(Batch batch) {
        batch.items.forEach(this::add);
    }

    private synchronized void pause(Pending pending) {
        long pause = Math.min(LONGEST_PAUSE_NANOS, FIRST_PAUSE_NANOS << Math.min(20, pending.lockedTimes));
        pending.lockedTimes++;
        pending.dueAt = nanos.getAsLong() + pause;
        paused.add(pending);
    }

    /** Nanoseconds until a paused write is due; {@link Long#MAX_VALUE} when none is paused, 0 when some wait. */
    synchronized long nanosUntilNext() {
        if (ready.queued() > 0) {
            return 0;
        }
        Pending first = paused.peek();
        return first == null ? Long.MAX_VALUE : Math.max(0, first.dueAt - nanos.getAsLong());
    }

    /** Number of decisions that wait. */
    public synchronized int waiting() {
        return ready.queued() + paused.size();
    }

    /** Writes nothing from now on. */
    public synchronized void close() {
        closed = true;
        ready.close();
        paused.clear();
    }
}
