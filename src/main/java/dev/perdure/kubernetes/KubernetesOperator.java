package dev.perdure.kubernetes;

import dev.perdure.config.KubernetesConfig;
import dev.perdure.config.PerdureConfig;
import dev.perdure.database.Backoff;
import dev.perdure.database.DatabaseReady;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.ServerIdentity;
import dev.perdure.leader.LeaderListener;
import dev.perdure.session.SubmitterLogin;
import dev.perdure.store.SubmittedInstances;
import dev.perdure.store.SubmitterSessions;
import dev.perdure.store.Term;
import io.quarkus.runtime.ShutdownEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Starts the operator when this worker becomes the leader and stops it when it does not lead any more, on a thread of its own:
 * a start blocks while the API server does not answer, and is tried again until it works. Where there is no Kubernetes it does
 * nothing at all.
 */
@Singleton
public class KubernetesOperator implements LeaderListener {

    private static final Logger LOG = Logger.getLogger(KubernetesOperator.class);
    private static final Path SERVICE_ACCOUNT = Path.of("/var/run/secrets/kubernetes.io/serviceaccount/token");

    private final KubernetesConfig config;
    private final Controllers controllers;
    private final CurrentTerm current;
    private final InstanceWatch watch;
    private final OperatorStatus status;
    private final Object changed = new Object();
    private volatile @Nullable DatabaseUrl database;
    private @Nullable OperatorTerm wanted;
    private boolean ended;
    private @Nullable Thread thread;
    private String said = "";

    KubernetesOperator(
            PerdureConfig config,
            Controllers controllers,
            CurrentTerm current,
            InstanceWatch watch,
            OperatorStatus status) {
        this.config = config.kubernetes();
        this.controllers = controllers;
        this.current = current;
        this.watch = watch;
        this.status = status;
    }

    /** Before the election begins, which can be won at once. */
    void begin(@Observes @Priority(1) DatabaseReady ready) {
        if (!isEnabled()) {
            return;
        }
        database = ready.url();
        status.set(OperatorStatus.State.STANDBY, "this worker does not lead");
        Thread started = new Thread(this::run, "perdure-kubernetes");
        started.setDaemon(true);
        started.start();
        thread = started;
    }

    void end(@Observes ShutdownEvent shutdown) throws InterruptedException {
        Thread started = thread;
        synchronized (changed) {
            ended = true;
            changed.notifyAll();
        }
        if (started != null) {
            started.join(2_000); // a start that waits for an API server goes on for longer, and may
        }
    }

    private boolean isEnabled() {
        return switch (config.enabled()) {
            case TRUE -> true;
            case FALSE -> false;
            case AUTO -> Files.exists(SERVICE_ACCOUNT) && System.getenv("KUBERNETES_SERVICE_HOST") != null;
        };
    }

    @Override
    public void elected(Term term, ServerIdentity server, int host) {
        DatabaseUrl url = database;
        if (url == null) {
            return;
        }
        // As all sessions of a term: on the server that the leader's own session is on.
        DatabaseUrl pinned = url.withHost(url.hosts().get(host));
        want(new OperatorTerm(
                new SubmitterSessions(pinned, SubmitterLogin.withoutPassword(), server),
                new SubmittedInstances(pinned)));
    }

    @Override
    public void released() {
        // All of the term was closed when it was dismissed.
    }

    /**
     * From here on the database is out of reach for everything of this term; what the operator's threads still do to the API
     * server loses against the next leader by its resource version.
     */
    @Override
    public void dismissed(boolean orderly) {
        OperatorTerm over = want(null);
        watch.stop();
        if (over != null) {
            over.close();
        }
    }

    private @Nullable OperatorTerm want(@Nullable OperatorTerm term) {
        synchronized (changed) {
            OperatorTerm before = wanted;
            wanted = term;
            current.set(term);
            changed.notifyAll();
            return before;
        }
    }

    private void run() {
        OperatorTerm running = null;
        Backoff backoff = new Backoff();
        try {
            while (true) {
                OperatorTerm next = await(running);
                if (running != null) {
                    stop();
                    running = null;
                } else if (next == null) {
                    return;
                } else if (start(next)) {
                    running = next;
                    backoff.reset();
                } else {
                    pause(next, backoff.next());
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Waits until another term is wanted than that which runs; null when the application ends. */
    private @Nullable OperatorTerm await(@Nullable OperatorTerm running) throws InterruptedException {
        synchronized (changed) {
            while (!ended && wanted == running) {
                changed.wait();
            }
            return ended ? null : wanted;
        }
    }

    /** Waits, unless another term is wanted or the application ends. */
    private void pause(OperatorTerm tried, Duration time) throws InterruptedException {
        synchronized (changed) {
            if (!ended && wanted == tried) {
                changed.wait(Math.max(1, time.toMillis()));
            }
        }
    }

    private boolean start(OperatorTerm term) {
        try {
            controllers.start();
            synchronized (changed) {
                if (wanted == term) {
                    watch.start(term);
                }
            }
            said = "";
            status.set(OperatorStatus.State.RUNNING, "resources of worker " + config.workerName() + " are reconciled");
            LOG.infof("Custom resources of worker %s are reconciled", config.workerName());
            return true;
        } catch (RuntimeException e) {
            String problem = Causes.text(e);
            status.set(OperatorStatus.State.WAITING, problem);
            if (!problem.equals(said)) {
                said = problem;
                LOG.warnf("Custom resources are not reconciled yet, trying again until it works: %s", problem);
                LOG.debug("The operator does not start", e);
            }
            return false;
        }
    }

    private void stop() {
        status.set(OperatorStatus.State.STANDBY, "this worker does not lead");
        try {
            controllers.stop();
        } catch (RuntimeException e) {
            LOG.warnf("The operator did not stop as it should: %s", Causes.text(e));
        }
    }
}
