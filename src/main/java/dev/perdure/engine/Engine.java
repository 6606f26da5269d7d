package dev.perdure.engine;

import dev.perdure.database.DatabaseThreads;
import dev.perdure.engine.actor.Breakdowns;
import dev.perdure.engine.actor.CheckpointCodec;
import dev.perdure.engine.http.HttpExecutor;
import dev.perdure.engine.http.RequestSecrets;
import dev.perdure.engine.telemetry.EngineStatistics;
import dev.perdure.flow.template.AddressBook;
import dev.perdure.step.StepPort;
import dev.perdure.step.http.HttpPort;
import dev.perdure.store.Journal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The engine of one term of leadership. All memory and all sessions belong to the term: when it ends they are dropped, and the next
 * one begins from the tables.
 */
final class Engine {

    private static final Logger LOG = Logger.getLogger(Engine.class);
    private static final Duration STUCK = Duration.ofSeconds(60);
    private static final Duration LAST_SESSIONS = Duration.ofSeconds(2);
    private static final Duration LAST_WORD = Duration.ofSeconds(1);

    private final EngineSettings settings;
    private final EngineThreads threads;
    private final EngineParts parts;
    private final HttpExecutor http;
    private final Journal journal;
    private final Means means;
    private final EngineStatistics statistics;
    private final Admission admission;
    private @Nullable AutoCloseable ear;

    /** A listener for notices of new work. */
    @FunctionalInterface
    interface Ears {

        /**
         * Begins to listen, until it is closed. Both are called on a thread of its own.
         *
         * @param onWake something may have come
         * @param onListening whether it is heard from now on
         */
        AutoCloseable listen(Runnable onWake, Consumer<Boolean> onListening);
    }

    /**
     * The services of a term, which end with it.
     *
     * @param addresses that steps hand out
     * @param admission lets instances begin that wait for their time or in a queue
     * @param upkeep done now and then, on a thread that may block
     * @param closes what else is closed at the end, in order
     */
    record Means(
            Journal journal,
            StepPort steps,
            CheckpointCodec codec,
            AddressBook addresses,
            HttpPort http,
            RequestSecrets.Grants grants,
            Admission.Asks admission,
            Ears ears,
            IntSupplier idleSessions,
            List<Upkeep> upkeep,
            List<AutoCloseable> closes) {}

    /** A job that runs now and then. */
    record Upkeep(Duration every, Runnable task) {

        static Upkeep eachSecond(Runnable task) {
            return new Upkeep(Duration.ofSeconds(1), task);
        }
    }

    /**
     * An engine, not started yet: see {@link #start}.
     *
     * @param stepDown ends the term, with the reason
     */
    Engine(
            EngineSettings settings,
            Means means,
            EngineStatistics statistics,
            Breakdowns.History history,
            DatabaseThreads threads,
            Consumer<String> stepDown) {
        this.settings = settings;
        this.threads = new EngineThreads(threads, stepDown);
        this.means = means;
        this.journal = means.journal();
        this.statistics = statistics;
        HttpStart start = new HttpStart();
        this.parts = EngineParts.wire(
                new EngineParts.Ground(
                        journal,
                        means.steps(),
                        means.codec(),
                        this.threads,
                        this.threads::owner,
                        this.threads::onSessionThread,
                        this.threads,
                        System::nanoTime,
                        Instant.now(),
                        statistics,
                        history,
                        means.addresses(),
                        this::ended,
                        stepDown),
                settings.options(),
                wired -> {
                    start.executor = new HttpExecutor(
                            means.http(),
                            wired.desk().begins(),
                            new RequestSecrets(means.grants(), this.threads),
                            wired.memory(),
                            this.threads::helper,
                            wired.clock(),
                            System::nanoTime,
                            statistics);
                    return new EffectStarter(
                            wired.sql(),
                            start.executor::start,
                            wired.desk().signals(),
                            wired.maps(),
                            this.threads,
                            wired.clock(),
                            System::nanoTime);
                });
        this.http = start.executor();
        this.admission = new Admission(
                means.admission(), this.threads, System::nanoTime, parts.loop()::isTold, parts.loop()::lookNow);
    }

    /** The HTTP executor, which the wiring makes after the parts that refer to it. */
    private static final class HttpStart {
        private @Nullable HttpExecutor executor;

        HttpExecutor executor() {
            return Objects.requireNonNull(executor, "wiring makes it");
        }
    }

    private void ended(String instance) {
        admission.slotMayBeFree(instance);
    }

    /** Begins to work. */
    void start() {
        parts.loop().start();
        admission.wake();
        ear = means.ears().listen(this::wake, parts.loop()::listens);
        Duration mark = settings.markRunningAfter().dividedBy(2);
        threads.every(
                mark.compareTo(Duration.ofMillis(20)) < 0 ? Duration.ofMillis(20) : mark,
                new RunningStatusWriter(parts.sql(), settings.markRunningAfter()));
        threads.every(Duration.ofMillis(250), parts.sql()::failThoseWaitingTooLong);
        threads.every(Duration.ofMillis(250), parts.sql()::makeRoom);
        threads.every(Duration.ofMillis(50), http::memoryMayBeFree);
        threads.every(Duration.ofMillis(250), () -> threads.helper(parts.sql()::cancelAgain));
        means.upkeep().forEach(upkeep -> threads.every(upkeep.every(), () -> threads.helper(upkeep.task())));
        statistics.watch(new EngineStatistics.Gauges(
                parts.actors()::size,
                parts.desk()::waitingToBeRead,
                parts.sql()::queued,
                parts.sql()::inUse,
                means.idleSessions(),
                http::queued,
                parts.memory()::taken,
                parts.maps()::maps,
                parts.maps()::items));
    }

    /** Looks at the tables: there may be something new. */
    private void wake() {
        parts.loop().lookNow();
        admission.wake();
    }

    /** Whether the owner's loop still turns. */
    boolean isAlive() {
        return parts.loop().nanosSinceTurn() < STUCK.toNanos();
    }

    /**
     * Ends the work of the term: nothing of it is begun any more when this returns.
     *
     * @param stillLeads whether steps that run may end first, for up to the grace period
     */
    void stop(BooleanSupplier stillLeads) {
        admission.stop();
        parts.sql().close();
        http.close();
        awaitSteps(stillLeads);
        parts.actors().close();
        parts.desk().close();
        parts.loop().stop();
        if (stillLeads.getAsBoolean()) {
            saySurvived();
        }
    }

    /** Records that the term survived: none of its instances ended it. */
    private void saySurvived() {
        try {
            journal.survived(true).toCompletableFuture().get(LAST_WORD.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            LOG.debugf("That the term ended in order is not on record: %s", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void awaitSteps(BooleanSupplier stillLeads) {
        long deadline = System.nanoTime() + settings.grace().toNanos();
        while (stillLeads.getAsBoolean()
                && parts.sql().inUse() + http.inUse() > 0
                && System.nanoTime() - deadline < 0) {
            try {
                Thread.sleep(2);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
        if (parts.sql().inUse() > 0) {
            LOG.warnf(
                    "%d steps did not end within the grace period; they are rolled back and run again elsewhere",
                    parts.sql().inUse());
        }
        if (http.inUse() > 0) {
            LOG.warnf(
                    "%d HTTP requests did not end within the grace period; they are sent again, with the same"
                            + " Idempotency-Key",
                    http.inUse());
        }
    }

    /** Closes everything that the term had, after {@link #stop}. */
    void close() {
        threads.close();
        means.steps().close();
        threads.awaitSessions(LAST_SESSIONS);
        http.end();
        journal.close();
        if (ear != null) {
            close(ear);
        }
        means.closes().forEach(Engine::close);
        statistics.forget();
    }

    private static void close(AutoCloseable last) {
        try {
            last.close();
        } catch (Exception e) {
            LOG.warnf("%s could not be closed: %s", last, e);
        }
    }
}
