package dev.perdure.engine;

import dev.perdure.config.PerdureConfig;
import dev.perdure.database.DatabaseReady;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.ServerIdentity;
import dev.perdure.database.UnixSocketTransport;
import dev.perdure.leader.LeaderElection;
import dev.perdure.leader.LeaderListener;
import dev.perdure.leader.LeaderListeners;
import dev.perdure.leader.LeaderStatus;
import dev.perdure.session.PasswordFiles;
import dev.perdure.session.PasswordSource;
import dev.perdure.session.RoleLogins;
import dev.perdure.session.SessionPools;
import dev.perdure.session.StoredRoles;
import dev.perdure.session.SubmitterLogin;
import dev.perdure.step.SqlStep;
import dev.perdure.step.http.HttpStep;
import dev.perdure.store.InstanceStore;
import dev.perdure.store.Term;
import io.quarkus.arc.All;
import io.quarkus.runtime.ShutdownEvent;
import io.vertx.core.Vertx;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Typed;
import jakarta.inject.Singleton;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Stands for election once the database is ready, and runs the engine of each term that this worker wins. */
@Singleton
@Typed(WorkerEngine.class)
public class WorkerEngine implements LeaderListener {

    private static final Logger LOG = Logger.getLogger(WorkerEngine.class);
    private static final int STORE_SESSIONS = 4;
    /** A leader that was not seen for so many heartbeat deadlines is taken for stopped. */
    private static final int SILENT_DEADLINES = 1;

    private final Vertx shared;
    private final PerdureConfig config;
    private final LeaderStatus status;
    private final EngineStatistics statistics;
    private final List<LeaderListener> companions;
    private final Clock clock = Clock.systemUTC();
    /** The lock is given back first of all when the JVM is told to end, beside the other things that end with it. */
    private final Thread handOver = new Thread(this::handOver, "perdure-hand-over");

    private final AtomicBoolean rehearsed = new AtomicBoolean();
    /** The application's, or one of our own that can use unix sockets. */
    private volatile Vertx vertx;

    private volatile @Nullable LeaderElection election;
    private volatile @Nullable TermEngine engine;
    /** Of a term that is over, to be closed. Touched on the election's thread only. */
    private @Nullable TermEngine ended;

    private volatile @Nullable DatabaseUrl url;

    /**
     * @param companions what else is done by the worker that leads
     */
    WorkerEngine(
            Vertx vertx,
            PerdureConfig config,
            LeaderStatus status,
            EngineStatistics statistics,
            @All List<LeaderListener> companions) {
        this.shared = vertx;
        this.vertx = vertx;
        this.config = config;
        this.status = status;
        this.statistics = statistics;
        this.companions = companions;
    }

    void begin(@Observes DatabaseReady ready) {
        url = ready.url();
        vertx = ready.url().usesUnixSocket() ? UnixSocketTransport.vertx() : shared;
        LeaderElection.Times times = new LeaderElection.Times(
                config.leader().pollInterval(),
                config.leader().heartbeatInterval(),
                config.leader().deadline(),
                config.leader().deadline().multipliedBy(SILENT_DEADLINES).plus(Duration.ofSeconds(3)));
        LeaderElection candidate =
                new LeaderElection(vertx, ready.url().reactiveOptions(), times, clock, status, listeners());
        election = candidate;
        Runtime.getRuntime().addShutdownHook(handOver);
        candidate.start();
    }

    void end(@Observes ShutdownEvent shutdown) {
        handOver();
        try {
            Runtime.getRuntime().removeShutdownHook(handOver);
        } catch (IllegalStateException e) {
            // The JVM ends: the hook has begun, and this is where its end is waited for.
            LOG.debug("Handed over while the JVM ends");
        }
    }

    private void handOver() {
        LeaderElection current = election;
        if (current != null) {
            current.close();
        }
        if (vertx != shared) {
            vertx.close();
        }
    }

    /** Whether the loop of a leading worker turns; true for one that does not lead. */
    public boolean isAlive() {
        TermEngine current = engine;
        return current == null || current.isAlive();
    }

    @Override
    public void elected(Term term, ServerIdentity server, int host) {
        DatabaseUrl database = url;
        if (database == null) {
            throw new IllegalStateException("elected without a database");
        }
        // All sessions of a term meet the server that the leader's own session is on.
        database = database.withHost(database.hosts().get(host));
        EngineSettings settings = settings();
        InstanceStore store =
                new InstanceStore(vertx, database.reactiveOptions().get(0), STORE_SESSIONS, term);
        SessionPools pools = new SessionPools(new SessionPools.Settings(
                database,
                SubmitterLogin.withPasswords(passwords()),
                new RoleLogins(new StoredRoles(store), !passwords().isEmpty(), clock),
                server,
                config.step().lockTimeout().toMillis(),
                config.step().sessionMaxAge().toNanos(),
                config.step().sessionIdleTimeout().toNanos(),
                settings.maxResultSize(),
                settings.maxSteps(),
                (int) Math.max(1, config.step().connectTimeout().toSeconds())));
        HttpStep http = HttpSteps.of(vertx, config);
        TermEngine begun = new TermEngine(settings, store, pools, http, clock, statistics, this::stepDown);
        engine = begun;
        begun.start();
    }

    @Override
    public void standsBy(int host) {
        DatabaseUrl database = url;
        if (database == null || !rehearsed.compareAndSet(false, true)) {
            return;
        }
        DatabaseUrl pinned = database.withHost(database.hosts().get(host));
        InstanceStore store = new InstanceStore(
                vertx,
                pinned.reactiveOptions().get(0),
                1,
                // A term that never was: whatever it would write is fenced off.
                new Term(0, new byte[32]));
        Rehearsal rehearsal = new Rehearsal(store, new SqlStep(settings().maxResultSize()), pinned, statistics);
        Thread thread = new Thread(rehearsal, "perdure-rehearsal");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void wake() {
        TermEngine current = engine;
        if (current != null) {
            current.wake();
        }
    }

    @Override
    public void dismissed(boolean orderly) {
        TermEngine current = engine;
        engine = null;
        ended = current;
        if (current != null) {
            current.stop(orderly);
        }
    }

    @Override
    public void released() {
        TermEngine last = ended;
        ended = null;
        if (last != null) {
            last.close();
        }
    }

    /** Ends the term: memory and sessions are dropped, and the next term begins from the tables. */
    void stepDown() {
        LOG.warn("This worker steps down");
        LeaderElection current = election;
        if (current != null) {
            current.stepDown();
        }
    }

    private LeaderListener listeners() {
        List<LeaderListener> all = new ArrayList<>(companions);
        all.add(0, this);
        return new LeaderListeners(all);
    }

    private List<PasswordSource> passwords() {
        List<PasswordSource> sources = new ArrayList<>();
        config.login().passwordsDirectory().ifPresent(directory -> sources.add(new PasswordFiles(directory)));
        Map<String, String> configured = config.login().passwords();
        if (!configured.isEmpty()) {
            sources.add(role -> Optional.ofNullable(configured.get(role)));
        }
        return sources;
    }

    private EngineSettings settings() {
        return new EngineSettings(
                config.step().maxConcurrent(),
                config.step().maxConcurrentPerRole(),
                config.step().maxResultSize().asLongValue(),
                config.step().shareBelow(),
                config.step().acquireTimeout(),
                config.step().transientRetries(),
                config.intake().batchSize(),
                config.intake().maxLoadedInstances(),
                config.intake().idlePollInterval(),
                config.intake().busyPollInterval(),
                config.intake().idleAfter(),
                config.intake().notifications(),
                config.timer().window(),
                config.markRunningAfter(),
                config.shutdown().gracePeriod());
    }
}
