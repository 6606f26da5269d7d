package dev.perdure.engine.owner;

import dev.perdure.engine.queue.FairQueue;
import dev.perdure.store.Journal.Begun;
import dev.perdure.store.Journal.Mark;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Records durably that an attempt begins, before it does: a request, a statement outside of a transaction, or a step that is tried again.
 * Thread-safe.
 */
public final class AttemptWriter {

    private static final int MOST = 64;

    private record Pending(long role, Mark mark, Consumer<@Nullable Begun> answer) {}

    /** Most attempts that one exchange records. */
    static final class Batch {
        private final List<Pending> items = new ArrayList<>();

        boolean isEmpty() {
            return items.isEmpty();
        }

        List<Mark> marks() {
            return items.stream().map(Pending::mark).toList();
        }
    }

    private final Wakeup loop;
    private final FairQueue<Pending> waiting = new FairQueue<>(FairQueue.Limits.of(Integer.MAX_VALUE));

    public AttemptWriter(Wakeup loop) {
        this.loop = loop;
    }

    /**
     * Records the beginning of an attempt.
     *
     * @param answer told once it is on disk, from any thread; null: the instance is not there any more. Never told once the
     *     term is over
     */
    public void begin(long role, Mark mark, Consumer<@Nullable Begun> answer) {
        waiting.add(role, mark.instance(), new Pending(role, mark, answer));
        loop.wake();
    }

    Batch next() {
        Batch batch = new Batch();
        while (batch.items.size() < MOST) {
            Pending pending = waiting.poll();
            if (pending == null) {
                break;
            }
            waiting.release(pending.role());
            batch.items.add(pending);
        }
        return batch;
    }

    void answered(Batch batch, List<Begun> begun, Teller teller) {
        Map<String, Begun> byNode = new HashMap<>();
        begun.forEach(row -> byNode.put(row.instance() + '/' + row.node(), row));
        batch.items.forEach(pending -> {
            Mark mark = pending.mark();
            Begun row = byNode.get(mark.instance() + '/' + mark.node());
            teller.tell(mark.instance(), () -> pending.answer().accept(row));
        });
    }

    void lost(Batch batch) {
        batch.items.forEach(
                pending -> waiting.add(pending.role(), pending.mark().instance(), pending));
    }

    boolean isEmpty() {
        return waiting.queued() == 0;
    }

    public void close() {
        waiting.close();
    }
}
