package dev.perdure.kubernetes.reconcile;

import dev.perdure.fleet.Databases;
import dev.perdure.fleet.ServedDatabase;
import dev.perdure.kubernetes.api.DurableWorkflow;
import dev.perdure.kubernetes.api.Reason;
import dev.perdure.kubernetes.claim.Claim;
import dev.perdure.kubernetes.claim.Claims;
import dev.perdure.kubernetes.submit.CurrentTerm;
import dev.perdure.kubernetes.submit.OperatorTerm;
import dev.perdure.kubernetes.watch.ApiException;
import dev.perdure.kubernetes.watch.ApiServer;
import dev.perdure.kubernetes.watch.Causes;
import dev.perdure.kubernetes.watch.Resource;
import dev.perdure.kubernetes.watch.ResourceCache;
import dev.perdure.kubernetes.watch.ResourceKey;
import dev.perdure.kubernetes.watch.ResourceKind;
import dev.perdure.kubernetes.watch.Seen;
import dev.perdure.kubernetes.watch.WorkQueue;
import dev.perdure.leader.LeaderStatus;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Looks at one resource: decides whether it is ours and the part that handles it, and ends there every failure of it, in a log line, an
 * event and a growing pause.
 */
@Singleton
public class Reconciliation implements WorkQueue.Handler {

    private static final Logger LOG = Logger.getLogger(Reconciliation.class);
    private static final Duration LEADERLESS = Duration.ofSeconds(15);
    private static final Duration UNSYNCED = Duration.ofSeconds(1);

    /** By the worker name that resources name. */
    private final Map<String, ServedDatabase> workers;

    private final ApiServer server;
    private final ResourceCache cache;
    private final CurrentTerm current;
    private final Claims claims;
    private final WorkflowReconciler workflows;
    private final ScheduleReconciler schedules;
    private final Deletion deletion;
    private final Elsewhere elsewhere;
    private final Complaints complaints;
    private final Events events;
    private final ReconciliationCounts counts;
    private volatile Predicate<String> synced = namespace -> false;

    Reconciliation(
            Databases databases,
            ApiServer server,
            ResourceCache cache,
            CurrentTerm current,
            Claims claims,
            WorkflowReconciler workflows,
            ScheduleReconciler schedules,
            Deletion deletion,
            Elsewhere elsewhere,
            Complaints complaints,
            Events events,
            ReconciliationCounts counts) {
        this.workers = databases.all().stream()
                .collect(Collectors.toMap(one -> one.options().workerName(), one -> one));
        this.server = server;
        this.cache = cache;
        this.current = current;
        this.claims = claims;
        this.workflows = workflows;
        this.schedules = schedules;
        this.deletion = deletion;
        this.elsewhere = elsewhere;
        this.complaints = complaints;
        this.events = events;
        this.counts = counts;
    }

    /**
     * @param namespace tells of a namespace whether all of it was shown once: what a schedule may start depends on its runs
     */
    public void whenSynced(Predicate<String> namespace) {
        synced = namespace;
    }

    @Override
    public @Nullable Duration handle(ResourceKey key) {
        Seen seen = cache.get(key);
        if (seen == null || !workers.containsKey(seen.worker())) {
            complaints.forget(key);
            return null;
        }
        try {
            Outcome outcome = look(seen);
            counts.count(key.kind(), outcome.problem() == null);
            if (outcome.problem() != null) {
                return complaints.failed(key, outcome.problem());
            }
            complaints.done(key);
            return outcome.after();
        } catch (ApiException e) {
            counts.count(key.kind(), false);
            return refused(seen, e);
        } catch (RuntimeException e) {
            counts.count(key.kind(), false);
            LOG.debugf(e, "Looking at %s failed", key);
            String problem = Causes.text(e) + " (" + e.getClass().getSimpleName() + ")";
            events.record(key, seen.uid(), Events.WARNING, Reason.INTERNAL_ERROR, problem);
            return complaints.failed(key, problem);
        }
    }

    private Outcome look(Seen seen) throws ApiException {
        OperatorTerm term = current.orNull(seen.worker());
        if (term == null && !seen.isHeld()) {
            return Outcome.DONE; // Who begins to lead looks at everything.
        }
        Resource resource = read(seen);
        if (resource.isDeleting()) {
            return resource.finalizers().contains(DurableWorkflow.FINALIZER) ? delete(resource, term) : Outcome.DONE;
        }
        if (term == null) {
            return Outcome.DONE;
        }
        Claim claim = claims.of(seen.worker(), seen.key().namespace());
        if (claim.state() != Claim.State.OURS) {
            return leave(resource, claim);
        }
        if (seen.key().kind() == ResourceKind.WORKFLOW) {
            return workflows.reconcile(resource, term);
        }
        return synced.test(seen.key().namespace()) ? schedules.reconcile(resource) : Outcome.again(UNSYNCED);
    }

    private Outcome delete(Resource resource, @Nullable OperatorTerm term) throws ApiException {
        if ("true".equals(resource.annotation(DurableWorkflow.FORCE_DELETE))) {
            return deletion.force(resource);
        }
        if (term != null) {
            Claim claim = claims.of(resource.worker(), resource.key().namespace());
            return claim.state() == Claim.State.OURS ? deletion.advance(resource, term) : leave(resource, claim);
        }
        ServedDatabase database = workers.get(resource.worker());
        if (database != null && database.leader().view().role() == LeaderStatus.Role.DISCONNECTED) {
            deletion.waitForDatabase(resource);
            return Outcome.again(LEADERLESS);
        }
        return Outcome.DONE;
    }

    /** Leaves a resource alone that is not known to be ours. New knowledge brings it back. */
    private Outcome leave(Resource resource, Claim claim) throws ApiException {
        String problem = claim.problem();
        if (problem == null) {
            return Outcome.DONE;
        }
        if (claim.state() == Claim.State.OTHERS) {
            return elsewhere.look(resource, problem);
        }
        if (claim.isRefused()) {
            events.warning(resource, Reason.WRITE_REFUSED, problem);
        }
        return Outcome.failed(problem);
    }

    /** As it was seen; as it is now, where that is not kept or did not do. */
    private Resource read(Seen seen) throws ApiException {
        Resource kept = seen.resource();
        if (kept != null && !complaints.has(seen.key())) {
            return kept;
        }
        return cache.keep(seen.key().kind(), server.read(seen.key()));
    }

    private @Nullable Duration refused(Seen seen, ApiException e) {
        ResourceKey key = seen.key();
        if (e.isNotFound()) {
            // Gone meanwhile; where nothing is watched any more, this is how one learns.
            cache.remove(key);
            complaints.forget(key);
            return null;
        }
        if (e.isConflict()) {
            return complaints.conflict(key);
        }
        if (!e.isPassing()) {
            events.record(key, seen.uid(), Events.WARNING, Reason.WRITE_REFUSED, e.getMessage());
        }
        return complaints.failed(key, String.valueOf(e.getMessage()));
    }
}
