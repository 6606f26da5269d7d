package dev.perdure.kubernetes.claim;

import dev.perdure.config.PerdureConfig;
import dev.perdure.database.ServerIdentity;
import dev.perdure.fleet.Databases;
import dev.perdure.fleet.ServedDatabase;
import dev.perdure.kubernetes.claim.ClaimLease.Holder;
import dev.perdure.kubernetes.watch.ApiException;
import dev.perdure.kubernetes.watch.ApiServer;
import dev.perdure.kubernetes.watch.ServerClock;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Knows of each namespace which database has the resources that name this worker, and claims those that none has. The first one
 * has them until somebody deletes the Lease: that the other worker cannot be heard does not mean that its instances are gone. Asks
 * again and again, in standbys too, so that a new leader knows it already. Thread-safe.
 */
@Singleton
public class Claims {

    private static final Logger LOG = Logger.getLogger(Claims.class);
    private static final Duration INTERVAL = Duration.ofSeconds(10);
    private static final Duration SHORTEST = Duration.ofMillis(200);

    /**
     * @param holder what was read last
     * @param problem why it could not be read since
     */
    private record Known(@Nullable Holder holder, @Nullable ApiException problem) {}

    /** The claimed resources: those of a namespace that name a worker. */
    private record Place(String worker, String namespace) {}

    private final Optional<String> pod;
    private final ApiServer server;
    private final ServerClock clock;
    /** By worker. */
    private final Map<String, ClaimLease> leases = new TreeMap<>();

    private final Map<Place, Known> known = new ConcurrentHashMap<>();
    private final Map<Place, Claim> said = new ConcurrentHashMap<>();
    private final Semaphore nudge = new Semaphore(0);
    /** Of the workers that lead here, the identity of the database. */
    private final Map<String, String> led = new ConcurrentHashMap<>();

    private @Nullable Thread thread;

    Claims(PerdureConfig config, Databases databases, ApiServer server, ServerClock clock) {
        this.pod = config.leader().podName();
        this.server = server;
        this.clock = clock;
        for (ServedDatabase one : databases.all()) {
            String worker = one.options().workerName();
            leases.put(worker, new ClaimLease(server, worker));
        }
    }

    /**
     * Asks from now on.
     *
     * @param changed is told of a namespace about which there is something new
     */
    public synchronized void start(List<String> namespaces, Consumer<String> changed) {
        Thread started = new Thread(() -> run(namespaces, changed), "perdure-kubernetes-claims");
        started.setDaemon(true);
        thread = started;
        started.start();
    }

    public synchronized void stop() {
        Thread started = thread;
        if (started != null) {
            started.interrupt();
        }
    }

    /** This process leads as this worker, and has this database. */
    public void begin(String worker, ServerIdentity identity) {
        led.put(worker, identity.systemIdentifier() + "/" + identity.databaseOid());
        nudge.release();
    }

    /** It leads no more. */
    public void end(String worker) {
        led.remove(worker);
    }

    /** Asks soon: something has changed. */
    public void askAgain() {
        nudge.release();
    }

    /** The owner of a namespace's resources that name a worker. */
    public Claim of(String worker, String namespace) {
        return of(new Place(worker, namespace));
    }

    private Claim of(Place place) {
        String ours = led.get(place.worker());
        Known found = known.get(place);
        if (ours == null || found == null) {
            return Claim.NOT_ASKED;
        }
        Holder holder = found.holder();
        if (holder != null) {
            return holder.database().equals(ours) ? Claim.OURS : Claim.others(others(place, holder, ours));
        }
        ApiException problem = found.problem();
        return problem == null
                ? Claim.NOT_ASKED
                : Claim.unknown(
                        "it cannot be told which database the resources belong to: " + problem.getMessage()
                                + (problem.isForbidden() ? ". The Role of k8s/base/rbac gives the right" : ""),
                        !problem.isPassing());
    }

    /**
     * Whether a worker of a name that is none of ours has ever led in a namespace, as its Lease tells, which nobody but a person deletes.
     *
     * @throws ApiException where that cannot be told
     */
    public boolean isClaimed(String worker, String namespace) throws ApiException {
        return new ClaimLease(server, worker).read(namespace).isPresent();
    }

    /** The Lease by which that is told. */
    public static String leaseOf(String worker) {
        return ClaimLease.name(worker);
    }

    /** The namespaces that are not ours, or not known to be, each with the reason. Of a worker that leads. */
    public Map<String, String> problems() {
        Map<String, String> problems = new TreeMap<>();
        for (Place place : known.keySet()) {
            String problem = of(place).problem();
            if (problem != null) {
                problems.merge(place.namespace(), problem, (one, other) -> one + "; " + other);
            }
        }
        return problems;
    }

    private static String others(Place place, Holder holder, String ours) {
        return "the resources of worker '%s' in namespace %s belong to the database %s%s; this worker has the database %s. Give one of"
                        .formatted(
                                place.worker(),
                                place.namespace(),
                                holder.database().isEmpty() ? "that the Lease does not name" : holder.database(),
                                holder.by().isEmpty() ? "" : ", claimed by " + holder.by(),
                                ours)
                + " the two another perdure.kubernetes.worker-name. If that database is gone for good, delete the Lease "
                + ClaimLease.name(place.worker());
    }

    private void run(List<String> namespaces, Consumer<String> changed) {
        try {
            while (true) {
                for (String namespace : namespaces) {
                    leases.forEach((worker, lease) -> {
                        Place place = new Place(worker, namespace);
                        look(place, lease);
                        tell(place, changed);
                    });
                }
                Thread.sleep(SHORTEST.toMillis());
                if (nudge.tryAcquire(INTERVAL.toMillis(), TimeUnit.MILLISECONDS)) {
                    nudge.drainPermits();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the application ends
        }
    }

    private void look(Place place, ClaimLease lease) {
        String namespace = place.namespace();
        Known before = known.get(place);
        Holder held = before == null ? null : before.holder();
        String ours = led.get(place.worker());
        try {
            Optional<Holder> found = lease.read(namespace);
            if (found.isPresent()) {
                held = found.get();
            } else if (held != null && !held.database().equals(ours)) {
                held = null; // somebody has deleted the Lease of the other
            }
            if (found.isEmpty() && ours != null) {
                held = lease.claim(namespace, new Holder(ours, by()), clock.instant());
            }
            known.put(place, new Known(held, null));
        } catch (ApiException e) {
            // What was ours stays so: in a namespace that is being deleted, the Lease and the rights can go first.
            known.put(place, new Known(held, e));
        } catch (RuntimeException e) {
            LOG.debugf(e, "The Lease %s of namespace %s cannot be read", lease.name(), namespace);
        }
    }

    private String by() {
        return server.ownNamespace() + "/"
                + pod.or(() -> Optional.ofNullable(System.getenv("HOSTNAME"))).orElse("");
    }

    private void tell(Place place, Consumer<String> changed) {
        String namespace = place.namespace();
        Claim now = of(place);
        Claim before = said.put(place, now);
        if (now.equals(before)) {
            return;
        }
        if (now.state() == Claim.State.OTHERS) {
            LOG.errorf("Nothing of namespace %s is submitted: %s", namespace, now.problem());
        } else if (before != null && before.state() == Claim.State.OTHERS && now.state() == Claim.State.OURS) {
            LOG.infof(
                    "The resources of worker '%s' in namespace %s belong to this database now",
                    place.worker(), namespace);
        }
        changed.accept(namespace);
    }
}
