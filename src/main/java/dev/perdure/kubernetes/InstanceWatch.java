package dev.perdure.kubernetes;

import dev.perdure.kubernetes.api.DurableWorkflow;
import dev.perdure.store.SubmittedInstance;
import dev.perdure.store.SubmittedInstances.Wanted;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.inbound.SimpleInboundEventSource;
import jakarta.inject.Singleton;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Notices what happens to the instances of resources: looks at all that have not ended in one query every second, and has those
 * reconciled about which there is something new. A busy database is looked at less often.
 */
@Singleton
class InstanceWatch {

    private static final Logger LOG = Logger.getLogger(InstanceWatch.class);
    private static final long INTERVAL_MILLIS = 1_000;
    /** Of the time, looking takes one part in ten at most. */
    private static final int SHARE = 10;
    /** A changed number of steps alone is told this often: each telling is a write to the API server. */
    private static final long PROGRESS_NANOS = 5_000_000_000L;

    private static final int BATCH = 500;

    private record Watched(ResourceID resource, String role, @Nullable SubmittedInstance seen, long toldAt) {}

    private volatile @Nullable SimpleInboundEventSource<DurableWorkflow> events;
    private final Map<String, Watched> unfinished = new ConcurrentHashMap<>();
    private @Nullable Thread thread;

    /** Through which resources are reconciled, from now on: each run of the operator has its own. Nothing is watched yet. */
    SimpleInboundEventSource<DurableWorkflow> renew() {
        SimpleInboundEventSource<DurableWorkflow> renewed = new SimpleInboundEventSource<>("instances");
        unfinished.clear();
        events = renewed;
        return renewed;
    }

    /** From now on, until {@link #forget}. */
    void track(HasMetadata resource, String role, @Nullable SubmittedInstance seen) {
        unfinished.put(
                resource.getMetadata().getUid(),
                new Watched(ResourceID.fromResource(resource), role, seen, System.nanoTime()));
    }

    void forget(HasMetadata resource) {
        unfinished.remove(resource.getMetadata().getUid());
    }

    synchronized void start(OperatorTerm term) {
        Thread started = new Thread(() -> run(term), "perdure-kubernetes-watch");
        started.setDaemon(true);
        thread = started;
        started.start();
    }

    synchronized void stop() {
        Thread started = thread;
        thread = null;
        if (started != null) {
            started.interrupt();
        }
        unfinished.clear();
    }

    private void run(OperatorTerm term) {
        boolean complained = false;
        try {
            while (true) {
                long begin = System.nanoTime();
                try {
                    look(term);
                    complained = false;
                } catch (SQLException e) {
                    if (!complained && !Thread.currentThread().isInterrupted()) {
                        LOG.warnf("The instances of custom resources cannot be looked at: %s", e.getMessage());
                        complained = true;
                    }
                }
                long took = (System.nanoTime() - begin) / 1_000_000;
                Thread.sleep(Math.max(INTERVAL_MILLIS, took * SHARE));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the term is over
        }
    }

    private void look(OperatorTerm term) throws SQLException {
        Map<String, Watched> all = new HashMap<>(unfinished);
        List<Wanted> batch = new ArrayList<>();
        int left = all.size();
        for (Map.Entry<String, Watched> one : all.entrySet()) {
            batch.add(new Wanted(one.getKey(), one.getValue().role()));
            left--;
            if (batch.size() == BATCH || left == 0) {
                Map<String, SubmittedInstance> found = new HashMap<>();
                term.instances().find(batch).forEach(instance -> found.put(instance.key(), instance));
                batch.forEach(wanted -> compare(wanted.key(), found.get(wanted.key())));
                batch.clear();
            }
        }
    }

    private void compare(String uid, @Nullable SubmittedInstance now) {
        // Atomic with track(), which a reconciliation may call at this moment.
        Watched told = unfinished.computeIfPresent(
                uid,
                (key, before) -> isNews(before, now)
                        ? new Watched(before.resource(), before.role(), now, System.nanoTime())
                        : before);
        if (told != null && told.seen() == now) {
            tell(told.resource());
            if (now != null && now.hasEnded()) {
                unfinished.remove(uid, told);
            }
        }
    }

    private void tell(ResourceID resource) {
        SimpleInboundEventSource<DurableWorkflow> listening = events;
        if (listening != null) {
            listening.propagateEvent(resource);
        }
    }

    private static boolean isNews(Watched before, @Nullable SubmittedInstance now) {
        SubmittedInstance seen = before.seen();
        if (seen == null || now == null) {
            return true;
        }
        if (!seen.status().equals(now.status()) || seen.hasEnded() != now.hasEnded()) {
            return true;
        }
        return (seen.stepsEnded() != now.stepsEnded() || seen.steps() != now.steps())
                && System.nanoTime() - before.toldAt() > PROGRESS_NANOS;
    }
}
