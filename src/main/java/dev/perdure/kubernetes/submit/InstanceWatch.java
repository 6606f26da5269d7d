package dev.perdure.kubernetes.submit;

import dev.perdure.kubernetes.watch.Resource;
import dev.perdure.kubernetes.watch.ResourceKey;
import dev.perdure.store.SubmittedInstance;
import dev.perdure.store.SubmittedInstances.Wanted;
import jakarta.inject.Singleton;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Notices changes of the instances of resources: looks at all that have not ended in one query every second, and reconciles the resources
 * of changed ones. A busy database is looked at less often.
 */
@Singleton
public class InstanceWatch {

    private static final Logger LOG = Logger.getLogger(InstanceWatch.class);
    private static final long INTERVAL_MILLIS = 1_000;
    /** Of the time, looking takes one part in ten at most. */
    private static final int SHARE = 10;
    /** A changed number of steps alone is told this often: each telling is a write to the API server. */
    private static final long PROGRESS_NANOS = 5_000_000_000L;

    private static final int BATCH = 500;

    private record Watched(
            String worker,
            ResourceKey resource,
            String role,
            boolean claimsEnd,
            @Nullable SubmittedInstance seen,
            long toldAt) {}

    private final Map<String, Watched> unfinished = new ConcurrentHashMap<>();
    private final Set<String> contradicted = ConcurrentHashMap.newKeySet();
    private volatile Consumer<ResourceKey> listener = key -> {};
    private final Map<String, Thread> threads = new HashMap<>();

    /** Registers a listener for resources whose instances have news. */
    public void listen(Consumer<ResourceKey> told) {
        listener = told;
    }

    /** From now on, until {@link #forget} or the end. */
    public void track(Resource resource, String role, @Nullable SubmittedInstance seen) {
        unfinished.put(
                resource.uid(), new Watched(resource.worker(), resource.key(), role, false, seen, System.nanoTime()));
    }

    /** Looks once whether an instance has ended, as the status of its resource says: somebody may have written that. */
    public void verify(Resource resource, String role) {
        unfinished.put(
                resource.uid(), new Watched(resource.worker(), resource.key(), role, true, null, System.nanoTime()));
    }

    /** Whether an instance goes on though the status of its resource says that it has ended. */
    public boolean contradicts(Resource resource) {
        return contradicted.contains(resource.uid());
    }

    public void forget(String uid) {
        unfinished.remove(uid);
        contradicted.remove(uid);
    }

    /** Looks at the instances of one database, in a thread of its own, from now on. */
    public synchronized void start(String worker, OperatorTerm term) {
        Thread started = new Thread(() -> run(worker, term), "perdure-kubernetes-watch");
        started.setDaemon(true);
        threads.put(worker, started);
        started.start();
    }

    public synchronized void stop(String worker) {
        Thread started = threads.remove(worker);
        if (started != null) {
            started.interrupt();
        }
        unfinished.values().removeIf(watched -> watched.worker().equals(worker));
        if (threads.isEmpty()) {
            contradicted.clear();
        }
    }

    private void run(String worker, OperatorTerm term) {
        boolean complained = false;
        try {
            while (true) {
                long begin = System.nanoTime();
                try {
                    look(worker, term);
                    complained = false;
                } catch (SQLException | RuntimeException e) {
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

    private void look(String worker, OperatorTerm term) throws SQLException {
        Map<String, Watched> all = new HashMap<>(unfinished);
        all.values().removeIf(watched -> !watched.worker().equals(worker));
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
        Watched watched = unfinished.get(uid);
        if (watched == null) {
            return;
        }
        if (watched.claimsEnd()) {
            unfinished.remove(uid, watched);
            if (now != null && !now.hasEnded()) {
                contradicted.add(uid);
                listener.accept(watched.resource());
            }
            return;
        }
        // Atomic with track(), which a reconciliation may call at this moment.
        Watched told = unfinished.computeIfPresent(
                uid,
                (key, before) -> isNews(before, now)
                        ? new Watched(before.worker(), before.resource(), before.role(), false, now, System.nanoTime())
                        : before);
        if (told != null && told.seen() == now) {
            listener.accept(told.resource());
            if (now != null && now.hasEnded()) {
                unfinished.remove(uid, told);
            }
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
        boolean isFurther = seen.stepsEnded() != now.stepsEnded()
                || seen.steps() != now.steps()
                || !Objects.equals(seen.items(), now.items());
        return isFurther && System.nanoTime() - before.toldAt() > PROGRESS_NANOS;
    }
}
