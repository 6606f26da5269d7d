package dev.perdure.kubernetes.reconcile;

import dev.perdure.kubernetes.api.DeletionPolicy;
import dev.perdure.kubernetes.api.DurableWorkflow;
import dev.perdure.kubernetes.api.Reason;
import dev.perdure.kubernetes.submit.InstanceWatch;
import dev.perdure.kubernetes.submit.OperatorTerm;
import dev.perdure.kubernetes.submit.WorkflowSpec;
import dev.perdure.kubernetes.watch.ApiException;
import dev.perdure.kubernetes.watch.Resource;
import dev.perdure.store.SubmittedInstance;
import dev.perdure.store.SubmittedInstances.Wanted;
import jakarta.inject.Singleton;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import org.jboss.logging.Logger;

/** Lets a DurableWorkflow go that is being deleted: at once by its annotation, otherwise when its instance has ended. */
@Singleton
class Deletion {

    private static final Logger LOG = Logger.getLogger(Deletion.class);
    private static final Duration LOOK_AGAIN = Duration.ofSeconds(5);
    static final String WAY_OUT = ". If the database is gone for good, the annotation " + DurableWorkflow.FORCE_DELETE
            + ": \"true\" lets the resource go";

    private final InstanceWatch watch;
    private final Writer writer;
    private final Events events;

    Deletion(InstanceWatch watch, Writer writer, Events events) {
        this.watch = watch;
        this.writer = writer;
        this.events = events;
    }

    /** Needs no database, and nobody who leads. */
    Outcome force(Resource resource) throws ApiException {
        LOG.infof(
                "%s goes by its annotation %s; whatever its instance does, it goes on",
                resource.key(), DurableWorkflow.FORCE_DELETE);
        events.warning(resource, Reason.FORCED, "deleted by annotation; whatever its instance does, it goes on");
        writer.release(resource);
        watch.forget(resource.uid());
        return Outcome.DONE;
    }

    /** No worker leads, or the leader is unknown. */
    void waitForDatabase(Resource resource) {
        events.warning(
                resource,
                Reason.DATABASE_UNAVAILABLE,
                "the instance cannot be cancelled: the worker does not reach its database" + WAY_OUT);
    }

    Outcome advance(Resource resource, OperatorTerm term) throws ApiException {
        WorkflowSpec spec = WorkflowSpec.read(resource.spec(), WorkflowReconciler.SPEC);
        boolean done = spec.fields().deletionPolicy == DeletionPolicy.ORPHAN && spec.problem() == null;
        try {
            if (!done) {
                Wanted wanted = new Wanted(resource.uid(), spec.fields().role);
                Optional<SubmittedInstance> instance = term.instances().find(wanted);
                if (instance.isPresent() && !instance.get().hasEnded()) {
                    term.instances().cancel(wanted, "the DurableWorkflow was deleted");
                    watch.track(resource, spec.fields().role, instance.get());
                    return Outcome.again(LOOK_AGAIN);
                }
            }
        } catch (SQLException e) {
            events.warning(
                    resource,
                    Reason.DATABASE_UNAVAILABLE,
                    "the instance cannot be cancelled: " + e.getMessage() + WAY_OUT);
            return Outcome.failed("the instance cannot be cancelled: " + e.getMessage());
        }
        writer.release(resource);
        watch.forget(resource.uid());
        return Outcome.DONE;
    }
}
