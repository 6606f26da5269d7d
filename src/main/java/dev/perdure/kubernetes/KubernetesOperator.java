package dev.perdure.kubernetes;

import dev.perdure.config.KubernetesConfig;
import dev.perdure.config.PerdureConfig;
import dev.perdure.database.Backoff;
import dev.perdure.database.DatabaseReady;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.ServerIdentity;
import dev.perdure.fleet.Databases;
import dev.perdure.kubernetes.claim.Claim;
import dev.perdure.kubernetes.claim.Claims;
import dev.perdure.kubernetes.reconcile.Reconciliation;
import dev.perdure.kubernetes.reconcile.UnknownWorkers;
import dev.perdure.kubernetes.submit.CurrentTerm;
import dev.perdure.kubernetes.submit.InstanceWatch;
import dev.perdure.kubernetes.submit.OperatorTerm;
import dev.perdure.kubernetes.watch.ApiServer;
import dev.perdure.kubernetes.watch.Causes;
import dev.perdure.kubernetes.watch.FeedStatus;
import dev.perdure.kubernetes.watch.Feeds;
import dev.perdure.kubernetes.watch.ResourceCache;
import dev.perdure.kubernetes.watch.ResourceKey;
import dev.perdure.kubernetes.watch.Seen;
import dev.perdure.kubernetes.watch.ServerClock;
import dev.perdure.leader.LeaderCompanion;
import dev.perdure.leader.LeaderListener;
import dev.perdure.session.SubmitterLogin;
import dev.perdure.store.SubmittedInstances;
import dev.perdure.store.SubmitterSessions;
import dev.perdure.store.Term;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Watches resources from the start of the application to its end, leading or not and with or without a database, and
 * reconciles them while this worker leads. Where there is no Kubernetes it does nothing at all.
 */
@Singleton
public class KubernetesOperator implements LeaderCompanion {

    private static final Logger LOG = Logger.getLogger(KubernetesOperator.class);
    private static final Path SERVICE_ACCOUNT = Path.of("/var/run/secrets/kubernetes.io/serviceaccount/token");
    private static final Duration LOOK_AFTER_WATCHES = Duration.ofSeconds(5);

    private final KubernetesConfig config;
    private final ApiServer server;
    private final ServerClock clock;
    private final ResourceCache cache;
    private final Reconciliation reconciliation;
    private final WorkQueues queue;
    private final Databases databases;
    private final String names;
    private final CurrentTerm current;
    private final Claims claims;
    private final InstanceWatch instances;
    private final OperatorStatus status;
    private final Map<String, DatabaseUrl> urls = new ConcurrentHashMap<>();
    private @Nullable Thread thread;
    private Duration saidOffset = Duration.ZERO;

    KubernetesOperator(
            PerdureConfig config,
            Databases databases,
            ApiServer server,
            ServerClock clock,
            ResourceCache cache,
            Reconciliation reconciliation,
            UnknownWorkers unknown,
            CurrentTerm current,
            Claims claims,
            InstanceWatch instances,
            OperatorStatus status) {
        this.config = config.kubernetes();
        this.databases = databases;
        this.names =
                databases.all().stream().map(one -> one.options().workerName()).collect(Collectors.joining(", "));
        this.server = server;
        this.clock = clock;
        this.cache = cache;
        this.reconciliation = reconciliation;
        this.queue = new WorkQueues(databases, cache, reconciliation, unknown);
        this.current = current;
        this.claims = claims;
        this.instances = instances;
        this.status = status;
    }

    /** Needs no database: a user who deletes a resource by its annotation has none any more. */
    void begin(@Observes StartupEvent event) {
        if (!isEnabled()) {
            return;
        }
        status.on(names, clock::offset);
        instances.listen(key -> queue.add(List.of(key)));
        Thread started = new Thread(this::run, "perdure-kubernetes");
        started.setDaemon(true);
        started.start();
        thread = started;
    }

    /** Before the election begins, which can be won at once. */
    void connect(@Observes @Priority(1) DatabaseReady ready) {
        urls.put(ready.name(), ready.url());
    }

    void end(@Observes ShutdownEvent shutdown) {
        Thread started = thread;
        if (started != null) {
            started.interrupt();
            queue.stop();
        }
    }

    private boolean isEnabled() {
        return switch (config.enabled()) {
            case TRUE -> true;
            case FALSE -> false;
            case AUTO -> Files.exists(SERVICE_ACCOUNT) && System.getenv("KUBERNETES_SERVICE_HOST") != null;
        };
    }

    private void run() {
        try {
            List<String> namespaces = namespaces();
            Feeds feeds = new Feeds(namespaces, server, cache, this::changed);
            reconciliation.whenSynced(feeds::isSynced);
            status.begun(feeds::statuses, queue::size, claims::problems);
            queue.start();
            claims.start(namespaces, this::claimed);
            try {
                while (true) {
                    feeds.start();
                    lookWhereNothingIsShown(feeds.statuses());
                    sayOffset();
                    Thread.sleep(LOOK_AFTER_WATCHES.toMillis());
                }
            } finally {
                feeds.stop();
                claims.stop();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the application ends
        }
    }

    /** Queues changed resources, and the schedule of each changed run: the end of a run's deletion matters, too. */
    private void changed(Collection<ResourceKey> keys) {
        Set<ResourceKey> all = new LinkedHashSet<>(keys);
        for (ResourceKey key : keys) {
            ResourceKey schedule = key.schedule();
            if (schedule != null && cache.get(schedule) != null) {
                all.add(schedule);
            }
        }
        queue.add(all);
        if (keys.stream().anyMatch(this::isUnclaimed)) {
            claims.askAgain(); // what can be listed again can be claimed, or soon will be
        }
    }

    private boolean isUnclaimed(ResourceKey key) {
        Seen seen = cache.get(key);
        return seen != null && claims.of(seen.worker(), key.namespace()).state() == Claim.State.UNKNOWN;
    }

    /** Queues all resources of a namespace after a change of their owner. */
    private void claimed(String namespace) {
        queue.add(cache.select(seen -> seen.key().namespace().equals(namespace)).stream()
                .map(Seen::key)
                .toList());
    }

    /** Those of the configuration, or the worker's own, which a kubeconfig that cannot be read does not tell. */
    private List<String> namespaces() throws InterruptedException {
        if (config.namespaces().isPresent()) {
            return config.namespaces().get().stream()
                    .map(String::strip)
                    .filter(namespace -> !namespace.isEmpty())
                    .distinct()
                    .toList();
        }
        Backoff backoff = new Backoff();
        String said = "";
        while (true) {
            try {
                return List.of(server.ownNamespace());
            } catch (RuntimeException e) {
                String problem = "the connection to Kubernetes cannot be set up: " + Causes.text(e);
                status.cannotBegin(problem);
                if (!problem.equals(said)) {
                    LOG.warnf("Custom resources are not watched, trying again until it works: %s", problem);
                    said = problem;
                }
                backoff.sleep();
            }
        }
    }

    /**
     * Queues resources that wait for this worker, to be read one by one, where rights were lost, as in a namespace that is being deleted:
     * the right to let them go is another one.
     */
    private void lookWhereNothingIsShown(List<FeedStatus> watches) {
        Set<String> blind = watches.stream()
                .filter(FeedStatus::isForbidden)
                .map(FeedStatus::namespace)
                .collect(Collectors.toSet());
        List<ResourceKey> held = cache
                .select(seen -> seen.isHeld() && blind.contains(seen.key().namespace()))
                .stream()
                .map(Seen::key)
                .toList();
        held.forEach(cache::doubt);
        queue.add(held);
    }

    private void sayOffset() {
        Duration offset = clock.offset();
        if (offset.minus(saidOffset).abs().compareTo(LOOK_AFTER_WATCHES) > 0) {
            saidOffset = offset;
            LOG.warnf(
                    "The clock of this node is %d s %s that of the API server, by which schedules run",
                    offset.abs().toSeconds(), offset.isNegative() ? "ahead of" : "behind");
        }
    }

    @Override
    public LeaderListener of(String database) {
        return new OfDatabase(
                database, databases.named(database).orElseThrow().options().workerName());
    }

    /** The terms of one database. */
    private final class OfDatabase implements LeaderListener {

        private final String database;
        private final String worker;

        OfDatabase(String database, String worker) {
            this.database = database;
            this.worker = worker;
        }

        @Override
        public void elected(Term term, ServerIdentity identity, int host) {
            DatabaseUrl url = urls.get(database);
            if (url == null || !isEnabled()) {
                return;
            }
            // As all sessions of a term: on the server that the leader's own session is on.
            DatabaseUrl pinned = url.withHost(url.hosts().get(host));
            OperatorTerm begun = new OperatorTerm(
                    new SubmitterSessions(pinned, SubmitterLogin.withoutPassword(), identity),
                    new SubmittedInstances(pinned, identity));
            current.set(worker, begun);
            claims.begin(worker, identity);
            instances.start(worker, begun);
            status.leads(worker, true);
            queue.add(cache
                    .select(seen -> seen.worker().equals(worker)
                            || databases.all().stream()
                                    .noneMatch(one -> one.options().workerName().equals(seen.worker())))
                    .stream()
                    .map(Seen::key)
                    .toList());
            LOG.infof("Custom resources of worker %s are reconciled here", worker);
        }

        @Override
        public void released() {
            // All of the term was closed when it was dismissed.
        }

        /**
         * From here on the database is out of reach for everything of this term; later requests of the operator's threads to the API server
         * lose against the next leader by their resource version.
         */
        @Override
        public void dismissed(boolean orderly) {
            OperatorTerm over = current.end(worker);
            claims.end(worker);
            status.leads(worker, false);
            instances.stop(worker);
            if (over != null) {
                over.close();
            }
        }
    }
}
