package dev.perdure.engine;

import dev.perdure.config.DatabaseOptions;
import dev.perdure.config.PerdureConfig;
import dev.perdure.control.ScheduleKeeper;
import dev.perdure.database.DatabaseThreads;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.engine.telemetry.EngineObserver;
import dev.perdure.engine.telemetry.EngineStatistics;
import dev.perdure.leader.LeaderStatus;
import dev.perdure.leader.Spread;
import dev.perdure.testing.Looks;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.Settings;
import dev.perdure.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;

/**
 * Election and engine inside the test's JVM, wired as the application wires them, with the settings of {@code PerdureConfig}.
 * Leads within a moment. What tests of whole processes need is {@code WorkerProcess}.
 */
public final class InProcessWorker implements AutoCloseable {

    private static final class Shared {
        static final Vertx VERTX = Vertx.vertx();
    }

    private final LeaderStatus status = new LeaderStatus();
    private final EngineStatistics statistics = new EngineStatistics();
    private final EngineLifecycle engine;

    private InProcessWorker(DatabaseUrl url, Map<String, String> settings) {
        PerdureConfig config = Settings.of(List.of(
                settings,
                PostgresServer.loginsOf(url),
                // A test that ends does not wait for the steps that it left.
                Map.of("perdure.database.url", url.toUri(), "perdure.shutdown.grace-period", "0s")));
        ScheduleKeeper schedules = new ScheduleKeeper(DatabaseThreads.ONLY);
        schedules.begin(url);
        engine = new EngineLifecycle(
                Shared.VERTX,
                config,
                DatabaseOptions.of(config).get(0),
                DatabaseThreads.ONLY,
                Spread.alone(),
                status,
                statistics);
        engine.begin(url, List.of(schedules));
    }

    /** A worker with default settings that leads. */
    public static InProcessWorker start(TestDatabase database) {
        return start(database, Map.of());
    }

    /**
     * A worker that leads.
     *
     * @param url as {@code perdure.database.url}; its database is migrated
     * @param settings {@code perdure.*} by name
     */
    public static InProcessWorker start(DatabaseUrl url) {
        return start(url, Map.of());
    }

    /**
     * A worker that leads.
     *
     * @param url as {@code perdure.database.url}; its database is migrated
     * @param settings {@code perdure.*} by name
     */
    public static InProcessWorker start(DatabaseUrl url, Map<String, String> settings) {
        InProcessWorker worker = new InProcessWorker(url, settings);
        worker.awaitRole(LeaderStatus.Role.LEADER);
        return worker;
    }

    /**
     * A worker that leads.
     *
     * @param settings {@code perdure.*} by name
     */
    public static InProcessWorker start(TestDatabase database, Map<String, String> settings) {
        InProcessWorker worker = candidate(database, settings);
        worker.awaitRole(LeaderStatus.Role.LEADER);
        return worker;
    }

    /** A worker that stands for election; nothing is awaited. */
    public static InProcessWorker candidate(TestDatabase database, Map<String, String> settings) {
        return new InProcessWorker(database.url(), settings);
    }

    /** A worker that stands for election; nothing is awaited. */
    public static InProcessWorker candidate(DatabaseUrl url, Map<String, String> settings) {
        return new InProcessWorker(url, settings);
    }

    public void awaitRole(LeaderStatus.Role role) {
        Awaitility.await("role " + role)
                .pollInterval(Looks.OFTEN)
                .until(() -> status.view().role() == role);
    }

    public LeaderStatus.View leaderStatus() {
        return status.view();
    }

    public EngineStatistics statistics() {
        return statistics;
    }

    /** From now on somebody is told what ends. */
    public void observe(EngineObserver observer) {
        statistics.observe(observer);
    }

    /** Drops all memory and all sessions in the middle of whatever happens, and leads again from the tables. */
    public void loseMemory() {
        long epoch = status.view().epoch();
        engine.stepDown();
        Awaitility.await("a new term")
                .pollInterval(Looks.OFTEN)
                .until(() -> status.view().role() == LeaderStatus.Role.LEADER
                        && status.view().epoch() > epoch);
    }

    @Override
    public void close() {
        engine.end();
    }
}
