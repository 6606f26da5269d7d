package dev.perdure.engine;

import dev.perdure.config.DatabaseOptions;
import dev.perdure.config.PerdureConfig;
import dev.perdure.database.DatabaseThreads;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.ServerIdentity;
import dev.perdure.database.UnixSocketTransport;
import dev.perdure.engine.actor.Breakdowns;
import dev.perdure.engine.http.HttpSteps;
import dev.perdure.engine.telemetry.EngineStatistics;
import dev.perdure.leader.LeaderElection;
import dev.perdure.leader.LeaderListener;
import dev.perdure.leader.LeaderListeners;
import dev.perdure.leader.LeaderStatus;
import dev.perdure.leader.Spread;
import dev.perdure.session.PasswordSource;
import dev.perdure.session.RoleLogins;
import dev.perdure.session.SessionPools;
import dev.perdure.session.StoredRoles;
import dev.perdure.session.SubmitterLogin;
import dev.perdure.session.WakeListener;
import dev.perdure.step.PgSteps;
import dev.perdure.store.LargeReader;
import dev.perdure.store.OwnerQueries;
import dev.perdure.store.PgJournal;
import dev.perdure.store.Term;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgConnectOptions;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Stands for election of one database once it is ready, and runs the engine of each term that this worker wins. */
public class EngineLifecycle implements LeaderListener {

    private static final Logger LOG = Logger.getLogger(EngineLifecycle.class);
    /** Silence of a leader, beyond the deadline of its heartbeat, after which it has surely stopped by itself. */
    private static final Duration SILENCE_BEYOND_DEADLINE = Duration.ofSeconds(3);

    /** An election that gives no sign for so long is stuck: it waits for no answer as long as that. */
    private static final Duration STUCK = Duration.ofSeconds(60);

    private static final long ANSWER_SECONDS = 30;
    /**
     * Time without an answer after which the worker asks whether the server still has the session of a step. The server finds out by
     * itself after 30 s.
     */
    private static final Duration SILENCE = Duration.ofSeconds(20);

    /** Time after which a statement that was cancelled and goes on loses its session. */
    private static final Duration CANCEL_GRACE = Duration.ofSeconds(10);

    private final Vertx shared;
    private final PerdureConfig config;
    private final DatabaseOptions options;
    private final DatabaseThreads threads;
    private final Spread spread;
    private final LeaderStatus status;
    private final EngineStatistics statistics;
    private final Clock clock = Clock.systemUTC();
    private final Breakdowns.History breakdowns = new Breakdowns.History();
    /** A hook that gives the lock back when the JVM is told to end, beside everything else that ends with the JVM. */
    private final Thread handOver = new Thread(this::handOver, "perdure-hand-over");

    /** The application's Vert.x, or one of our own that can use unix sockets. */
    private volatile Vertx vertx;

    private volatile @Nullable LeaderElection election;
    private volatile @Nullable Engine engine;
    /** The engine of a term that is over, to be closed. Touched on the election's thread only. */
    private @Nullable Engine ended;

    private volatile @Nullable DatabaseUrl url;
    /** The latest term of this process, and the latest that ended by an error of its own. */
    private volatile long latest;

    private volatile long failed;

    /**
     * A lifecycle that begins when the database is ready.
     *
     * @param spread of the process
     */
    public EngineLifecycle(
            Vertx vertx,
            PerdureConfig config,
            DatabaseOptions options,
            DatabaseThreads threads,
            Spread spread,
            LeaderStatus status,
            EngineStatistics statistics) {
        this.shared = vertx;
        this.vertx = vertx;
        this.config = config;
        this.options = options;
        this.threads = threads;
        this.spread = spread;
        this.status = status;
        this.statistics = statistics;
    }

    /**
     * Begins the election, now that the database is ready.
     *
     * @param companions what else is done by the worker that leads
     */
    public void begin(DatabaseUrl database, List<LeaderListener> companions) {
        url = database;
        vertx = database.usesUnixSocket() ? UnixSocketTransport.vertx() : shared;
        LeaderElection.Times times = new LeaderElection.Times(
                config.leader().pollInterval(),
                config.leader().heartbeatInterval(),
                config.leader().deadline(),
                config.leader().deadline().plus(SILENCE_BEYOND_DEADLINE));
        LeaderElection candidate = new LeaderElection(
                vertx, database.reactiveOptions(), times, clock, status, listeners(companions), spread, threads);
        election = candidate;
        Runtime.getRuntime().addShutdownHook(handOver);
        candidate.start();
    }

    /** Gives the leadership back, since the application ends. */
    public void end() {
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

    /** Whether this worker stands for election, and its loop turns while it leads; true before the database is ready. */
    public boolean isAlive() {
        LeaderElection candidate = election;
        Engine current = engine;
        return (candidate == null || candidate.isAlive(STUCK)) && (current == null || current.isAlive());
    }

    @Override
    public void elected(Term term, ServerIdentity server, int host) {
        DatabaseUrl database = url;
        if (database == null) {
            throw new IllegalStateException("elected without a database");
        }
        // All sessions of a term meet the server that the leader's own session is on.
        DatabaseUrl pinned = database.withHost(database.hosts().get(host));
        Engine begun = new Engine(
                EngineSettings.of(config, options),
                means(term, server, pinned),
                statistics,
                breakdowns,
                threads,
                reason -> {
                    failed = term.epoch();
                    stepDown(term.epoch(), reason);
                });
        engine = begun;
        begun.start();
    }

    private Engine.Means means(Term term, ServerIdentity server, DatabaseUrl database) {
        PgConnectOptions owner = database.reactiveOptions().get(0);
        // What ended that term, this process has survived.
        long survived = latest == failed ? 0 : latest;
        latest = term.epoch();
        OwnerQueries queries = new OwnerQueries(vertx, owner, server, term);
        SessionPools pools = new SessionPools(new SessionPools.Settings(
                database,
                SubmitterLogin.withPasswords(passwords()),
                new RoleLogins(new StoredRoles(queries), !passwords().isEmpty(), clock),
                server,
                config.step().lockTimeout().toMillis(),
                config.step().sessionMaxAge().toNanos(),
                config.step().sessionIdleTimeout().toNanos(),
                config.step().maxResultSize().asLongValue(),
                options.maxConcurrent() + options.roleReserve(),
                (int) Math.max(1, config.step().connectTimeout().toSeconds())));
        SignedAddresses addresses = new SignedAddresses(
                options.publicUrl(),
                DatabaseOptions.placeOf(options.name()),
                config.web().addressLifetime(),
                term.addressKey());
        PgSteps steps = new PgSteps(pools, config.step().maxResultSize().asLongValue());
        return new Engine.Means(
                new PgJournal(
                        vertx,
                        owner,
                        server,
                        term,
                        survived,
                        config.leader().deadline(),
                        new LargeReader(database, server, term)),
                steps,
                new TermCodec(term),
                addresses,
                HttpSteps.of(config, options.secretsDirectory()),
                (instance, names) -> queries.refusedSecrets(instance, names).toCompletionStage(),
                (isFirst, after, ended) -> queries.admit(isFirst, after, ended).toCompletionStage(),
                (onWake, onListening) -> new WakeListener(database, server, onWake, onListening),
                pools::idleCount,
                List.of(
                        Engine.Upkeep.eachSecond(pools::closeExpired),
                        new Engine.Upkeep(
                                LeaseSweep.EVERY, new LeaseSweep(whole -> answer(queries.sweepActivities(whole)))),
                        Engine.Upkeep.eachSecond(new KeyChange(addresses, () -> answer(queries.addressKey()))),
                        Engine.Upkeep.eachSecond(() -> pools.abortLost(SILENCE, backends -> gone(queries, backends))),
                        Engine.Upkeep.eachSecond(() -> pools.terminateAfterCancel(CANCEL_GRACE)),
                        Engine.Upkeep.eachSecond(
                                () -> steps.cleanReceipts(ids -> Set.copyOf(answer(queries.ended(List.copyOf(ids))))))),
                List.of(queries));
    }

    private static Set<Integer> gone(OwnerQueries queries, List<Integer> backends) {
        try {
            return Set.copyOf(answer(queries.gone(backends)));
        } catch (CompletionException e) {
            // Who does not answer has not said that anybody is gone.
            LOG.trace("The server was not asked for the sessions of steps", e);
            return Set.of();
        }
    }

    private static <T> T answer(Future<T> question) {
        return question.toCompletionStage()
                .toCompletableFuture()
                .orTimeout(ANSWER_SECONDS, TimeUnit.SECONDS)
                .join();
    }

    @Override
    public void dismissed(boolean orderly) {
        dismissed(() -> orderly);
    }

    @Override
    public void dismissed(BooleanSupplier stillLeads) {
        Engine current = engine;
        engine = null;
        ended = current;
        if (current != null) {
            current.stop(stillLeads);
        }
    }

    @Override
    public void released() {
        Engine last = ended;
        ended = null;
        if (last != null) {
            last.close();
        }
    }

    /** Ends the term: memory and sessions are dropped, and the next term begins from the tables. */
    private void stepDown(long epoch, String reason) {
        LOG.warnf("This worker steps down: %s", reason);
        LeaderElection current = election;
        if (current != null) {
            current.stepDown(epoch);
        }
    }

    /** Ends the present term, whichever it is: for tests, and for operators who want another worker to lead. */
    void stepDown() {
        stepDown(status.view().epoch(), "asked to");
    }

    private LeaderListener listeners(List<LeaderListener> companions) {
        List<LeaderListener> all = new ArrayList<>(companions);
        all.add(0, this);
        return new LeaderListeners(all);
    }

    private List<PasswordSource> passwords() {
        return PasswordSource.of(options.passwordsDirectory().orElse(null), options.passwords());
    }
}
