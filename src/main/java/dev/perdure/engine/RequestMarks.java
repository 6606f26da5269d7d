package dev.perdure.engine;

import dev.perdure.store.InstanceStore;
import dev.perdure.store.InstanceStore.Begun;
import dev.perdure.store.InstanceStore.Mark;
import io.vertx.pgclient.PgException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Records durably that requests begin, before they are sent. What comes while a write is under way is written together
 * with the next one.
 */
final class RequestMarks {

    private static final Logger LOG = Logger.getLogger(RequestMarks.class);
    private static final int MAX_BATCH = 500;

    /**
     * @param own the node of the request
     * @param enclosing nodes around it that run without being recorded; whether they are marked decides nothing
     */
    record Marks(Mark own, List<Mark> enclosing) {}

    /**
     * What was written.
     *
     * @param own null when the node's row is locked or not as memory believes
     * @param enclosing those of the nodes around it whose rows now say that they run
     */
    record Recorded(@Nullable Begun own, List<Mark> enclosing) {}

    private record Pending(Marks marks, Consumer<Recorded> done) {}

    private final InstanceStore store;
    private final Executor callbacks;
    private final ScheduledExecutorService scheduler;
    private final Runnable fenced;
    private final List<Pending> waiting = new ArrayList<>();
    private boolean writing;

    /**
     * @param callbacks where outcomes are handled
     * @param fenced called when another term has begun
     */
    RequestMarks(InstanceStore store, Executor callbacks, ScheduledExecutorService scheduler, Runnable fenced) {
        this.store = store;
        this.callbacks = callbacks;
        this.scheduler = scheduler;
        this.fenced = fenced;
    }

    /**
     * Records a beginning.
     *
     * @param done called once it is on disk; never when the term is over
     */
    void begin(Marks marks, Consumer<Recorded> done) {
        synchronized (waiting) {
            waiting.add(new Pending(marks, done));
        }
        writeNext();
    }

    private void writeNext() {
        List<Pending> batch;
        synchronized (waiting) {
            if (writing || waiting.isEmpty()) {
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
        Map<String, Mark> marks = new HashMap<>();
        for (Pending pending : batch) {
            pending.marks().enclosing().forEach(mark -> marks.put(key(mark.instance(), mark.node()), mark));
        }
        for (Pending pending : batch) {
            Mark own = pending.marks().own();
            marks.put(key(own.instance(), own.node()), own);
        }
        store.begin(List.copyOf(marks.values())).onComplete(written -> {
            if (written.succeeded()) {
                Map<String, Begun> begun = new HashMap<>();
                written.result().forEach(row -> begun.put(key(row.instance(), row.node()), row));
                for (Pending pending : batch) {
                    Mark own = pending.marks().own();
                    List<Mark> enclosing = pending.marks().enclosing().stream()
                            .filter(mark -> begun.containsKey(key(mark.instance(), mark.node())))
                            .toList();
                    Recorded recorded = new Recorded(begun.get(key(own.instance(), own.node())), enclosing);
                    callbacks.execute(() -> pending.done().accept(recorded));
                }
                ended();
            } else if (written.cause() instanceof PgException e && "DF002".equals(e.getSqlState())) {
                fenced.run();
            } else {
                LOG.warnf(
                        "The beginning of HTTP requests could not be recorded, trying again: %s",
                        written.cause().getMessage());
                // The scheduler ends with the term, and with it the tries.
                scheduler.schedule(
                        () -> write(batch, Math.min(delayMillis * 2, 5000)), delayMillis, TimeUnit.MILLISECONDS);
            }
        });
    }

    private void ended() {
        synchronized (waiting) {
            writing = false;
        }
        writeNext();
    }

    private static String key(String instance, String node) {
        return instance + '/' + node;
    }
}
