package dev.perdure.engine;

import dev.perdure.flow.Activation;
import dev.perdure.flow.InstanceState;
import dev.perdure.store.InstanceStore;
import dev.perdure.store.InstanceStore.Mark;
import io.vertx.pgclient.PgException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jboss.logging.Logger;

/**
 * Shows nodes as running that have been executing for a while. Short steps are never marked and cost no extra commit;
 * long ones become visible.
 */
final class RunningMarks implements Runnable {

    private static final Logger LOG = Logger.getLogger(RunningMarks.class);
    private static final int MAX_BATCH = 1000;

    private final InstanceStore store;
    private final LiveInstances live;
    private final Set<StepTask> executing;
    private final Clock clock;
    private final Duration after;
    private final Executor turns;
    private final Runnable fenced;
    private final AtomicBoolean writing = new AtomicBoolean();

    RunningMarks(
            InstanceStore store,
            LiveInstances live,
            Set<StepTask> executing,
            Clock clock,
            Duration after,
            Executor turns,
            Runnable fenced) {
        this.store = store;
        this.live = live;
        this.executing = executing;
        this.clock = clock;
        this.after = after;
        this.turns = turns;
        this.fenced = fenced;
    }

    @Override
    public void run() {
        if (!writing.compareAndSet(false, true)) {
            return;
        }
        List<Mark> marks = new ArrayList<>();
        Instant limit = clock.instant().minus(after);
        Set<LiveInstance> instances = new HashSet<>();
        for (StepTask task : executing) {
            Instant startedAt = task.startedAt();
            if (startedAt != null && startedAt.isBefore(limit)) {
                instances.add(task.instance());
            }
        }
        for (LiveInstance instance : instances) {
            if (marks.size() < MAX_BATCH && !instance.isBusy()) {
                // In a turn: memory is read by one thread at a time.
                instance.post(() -> {
                    collect(instance, limit, marks);
                    return true;
                });
            }
        }
        List<Mark> batch;
        synchronized (marks) {
            batch = List.copyOf(marks);
        }
        if (batch.isEmpty()) {
            writing.set(false);
            return;
        }
        store.mark(batch).onComplete(done -> {
            writing.set(false);
            if (done.succeeded()) {
                // Not on the event loop: a turn can commit.
                turns.execute(() -> done.result().forEach(this::marked));
            } else if (done.cause() instanceof PgException e && "DF002".equals(e.getSqlState())) {
                fenced.run();
            } else {
                LOG.warnf(
                        "Running nodes could not be marked, trying again: %s",
                        done.cause().getMessage());
            }
        });
    }

    private static void collect(LiveInstance instance, Instant limit, List<Mark> marks) {
        for (InstanceState.Unmarked node : instance.state().runningNodes()) {
            StepTask task = instance.steps().get(new Activation(node.nodeId(), node.stamp()));
            Instant startedAt = task == null ? null : task.startedAt();
            boolean compound = task == null && !instance.state().isActive(new Activation(node.nodeId(), node.stamp()));
            if (compound || startedAt != null && startedAt.isBefore(limit)) {
                synchronized (marks) {
                    marks.add(new Mark(
                            instance.id(),
                            node.nodeId(),
                            node.priorStamp(),
                            node.stamp(),
                            startedAt,
                            task == null ? null : task.attempt()));
                }
            }
        }
    }

    private void marked(Mark mark) {
        LiveInstance instance = live.get(mark.instance());
        if (instance != null) {
            instance.post(() -> {
                instance.state().marked(mark.node(), mark.stamp());
                return true;
            });
        }
    }
}
