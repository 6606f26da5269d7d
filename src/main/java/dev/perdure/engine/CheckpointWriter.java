package dev.perdure.engine;

import dev.perdure.store.InstanceStore;
import dev.perdure.store.InstanceStore.OwnerCheckpoint;
import dev.perdure.store.InstanceStore.Written;
import io.vertx.pgclient.PgException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * Writes the owner's checkpoints. What comes while a write is under way is written together with the next one: ten
 * thousand timers that are due at once cost some twenty commits.
 */
final class CheckpointWriter {

    private static final Logger LOG = Logger.getLogger(CheckpointWriter.class);
    private static final int MAX_BATCH = 500;

    private record Pending(OwnerCheckpoint checkpoint, Consumer<Written> done) {}

    private final InstanceStore store;
    private final Executor callbacks;
    private final ScheduledExecutorService scheduler;
    private final Runnable fenced;
    private final List<Pending> waiting = new ArrayList<>();
    private boolean writing;
    private boolean closed;

    /**
     * @param callbacks where outcomes are handled
     * @param fenced called when another term has begun
     */
    CheckpointWriter(InstanceStore store, Executor callbacks, ScheduledExecutorService scheduler, Runnable fenced) {
        this.store = store;
        this.callbacks = callbacks;
        this.scheduler = scheduler;
        this.fenced = fenced;
    }

    /** Writes a checkpoint; {@code done} is called once it was written or refused, and never when the term is over. */
    void write(OwnerCheckpoint checkpoint, Consumer<Written> done) {
        synchronized (waiting) {
            waiting.add(new Pending(checkpoint, done));
        }
        writeNext();
    }

    /** Writes nothing from now on. */
    void close() {
        synchronized (waiting) {
            closed = true;
            waiting.clear();
        }
    }

    private void writeNext() {
        List<Pending> batch;
        synchronized (waiting) {
            if (writing || closed || waiting.isEmpty()) {
                return;
            }
            writing = true;
            List<Pending> head = waiting.subList(0, Math.min(MAX_BATCH, waiting.size()));
            batch = List.copyOf(head);
            head.clear();
        }
        write(batch, 50);
    }

    private void write(List<Pending> batch, long delayMillis) {
        store.write(batch.stream().map(Pending::checkpoint).toList()).onComplete(written -> {
            if (written.succeeded()) {
                for (int i = 0; i < batch.size(); i++) {
                    Pending pending = batch.get(i);
                    Written outcome = written.result().get(i);
                    callbacks.execute(() -> pending.done().accept(outcome));
                }
                ended();
            } else if (written.cause() instanceof PgException e && "DF002".equals(e.getSqlState())) {
                fenced.run();
            } else if (!isClosed()) {
                // Whether it was committed is unknown: if so, the next try finds the rows stale, and they are loaded.
                LOG.warnf(
                        "Checkpoints could not be written, trying again: %s",
                        written.cause().getMessage());
                scheduler.schedule(
                        () -> write(batch, Math.min(delayMillis * 2, 5000)), delayMillis, TimeUnit.MILLISECONDS);
            }
        });
    }

    private boolean isClosed() {
        synchronized (waiting) {
            return closed;
        }
    }

    private void ended() {
        synchronized (waiting) {
            writing = false;
        }
        writeNext();
    }
}
