package dev.perdure.engine;

import dev.perdure.engine.actor.TimerPort;
import java.time.Duration;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Virtual time and threads that take turns. At any moment one thread runs: the scheduler's, or one that it has resumed and waits for.
 * What comes next follows from the seed alone, so that a run can be repeated.
 */
final class SimScheduler implements TimerPort {

    private record Happening(long at, long number, Runnable what) implements Comparable<Happening> {
        @Override
        public int compareTo(Happening other) {
            int byTime = Long.compare(at, other.at);
            return byTime != 0 ? byTime : Long.compare(number, other.number);
        }
    }

    private static final class Turn {
        final Semaphore resumed = new Semaphore(0);
    }

    private static final ExecutorService THREADS = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "simulated");
        thread.setDaemon(true);
        return thread;
    });
    private static final ThreadLocal<@Nullable Turn> CURRENT = new ThreadLocal<>();

    private final PriorityQueue<Happening> agenda = new PriorityQueue<>();
    private final Semaphore yielded = new Semaphore(0);
    private final Random random;
    private long now = 1_000_000_000;
    private long numbers;
    private volatile @Nullable Throwable failure;

    SimScheduler(Random random) {
        this.random = random;
    }

    Random random() {
        return random;
    }

    long nanos() {
        return now;
    }

    /** Does something after a time. */
    void after(long nanos, Runnable what) {
        agenda.add(new Happening(now + Math.max(0, nanos), numbers++, what));
    }

    /** Does something soon; what is done soon comes in any order. */
    void soon(Runnable what) {
        after(random.nextInt(30_000), what);
    }

    @Override
    public Cancellation after(Duration time, Runnable task) {
        boolean[] cancelled = new boolean[1];
        after(time.toNanos(), () -> {
            if (!cancelled[0]) {
                task.run();
            }
        });
        return () -> cancelled[0] = true;
    }

    void every(Duration time, Runnable task) {
        after(time, () -> {
            task.run();
            every(time, task);
        });
    }

    /** Begins a thread that may {@link #block}. */
    void spawn(Runnable work) {
        soon(() -> {
            Turn turn = new Turn();
            THREADS.execute(() -> {
                CURRENT.set(turn);
                turn.resumed.acquireUninterruptibly();
                try {
                    work.run();
                } catch (Throwable e) {
                    failure = e;
                } finally {
                    CURRENT.remove();
                    yielded.release();
                }
            });
            resume(turn);
        });
    }

    private void resume(Turn turn) {
        turn.resumed.release();
        yielded.acquireUninterruptibly();
    }

    /** The calling thread goes on after a time; others run meanwhile. */
    void block(long nanos) {
        Turn turn = CURRENT.get();
        if (turn == null) {
            throw new IllegalStateException("only a thread of the simulation may block");
        }
        after(nanos, () -> resume(turn));
        yielded.release();
        turn.resumed.acquireUninterruptibly();
    }

    /** Lets things happen until a condition holds. Returns false when it does not within the time. */
    boolean runUntil(BooleanSupplier condition, Duration most) {
        long end = now + most.toNanos();
        while (!condition.getAsBoolean()) {
            Happening next = agenda.peek();
            if (next == null || next.at > end) {
                now = end;
                return false;
            }
            agenda.poll();
            now = next.at;
            next.what.run();
            if (failure != null) {
                throw new AssertionError("a thread of the simulation failed", failure);
            }
        }
        return true;
    }
}
