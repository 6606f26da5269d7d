package dev.perdure.fleet;

import dev.perdure.config.DatabaseOptions;
import dev.perdure.config.PerdureConfig;
import dev.perdure.control.ScheduleKeeper;
import dev.perdure.database.DatabaseStatus;
import dev.perdure.database.DatabaseThreads;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.engine.EngineLifecycle;
import dev.perdure.engine.telemetry.EngineStatistics;
import dev.perdure.leader.LeaderCompanion;
import dev.perdure.leader.LeaderListener;
import dev.perdure.leader.LeaderStatus;
import dev.perdure.leader.Spread;
import dev.perdure.maintenance.Census;
import dev.perdure.maintenance.Maintenance;
import dev.perdure.maintenance.Retention;
import io.quarkus.scheduler.Scheduler;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** One database, with its settings, election, engine and jobs in this process. */
public final class ServedDatabase {

    private final DatabaseOptions options;
    private final DatabaseThreads threads;
    private final CountDownLatch reached = new CountDownLatch(1);
    private final DatabaseStatus status = new DatabaseStatus();
    private final LeaderStatus leader = new LeaderStatus();
    private final EngineStatistics statistics = new EngineStatistics();
    private final Census census = new Census();
    private final Retention retention = new Retention();
    private final ScheduleKeeper schedules;
    private final Maintenance maintenance;
    private final EngineLifecycle engine;

    /** The resources that all databases of a process share. */
    record Shared(Vertx vertx, PerdureConfig config, Scheduler scheduler, Spread spread) {}

    ServedDatabase(DatabaseOptions options, boolean isOnly, Shared shared) {
        this.options = options;
        this.threads = isOnly ? DatabaseThreads.ONLY : new DatabaseThreads(options.name());
        this.schedules = new ScheduleKeeper(threads);
        this.maintenance =
                new Maintenance(shared.config(), options, threads, leader, shared.scheduler(), census, retention);
        this.engine = new EngineLifecycle(
                shared.vertx(), shared.config(), options, threads, shared.spread(), leader, statistics);
    }

    /**
     * Stands for election, once the database answers and is migrated.
     *
     * @param companions what others do while this process leads
     */
    void begin(DatabaseUrl url, Iterable<LeaderCompanion> companions) {
        maintenance.begin(url);
        schedules.begin(url);
        List<LeaderListener> all = new ArrayList<>(List.of(schedules, maintenance));
        companions.forEach(companion -> all.add(companion.of(options.name())));
        engine.begin(url, all);
    }

    /** Gives the leadership back. */
    void end() {
        engine.end();
    }

    public String name() {
        return options.name();
    }

    public DatabaseOptions options() {
        return options;
    }

    /** The threads that serve this database only. */
    public DatabaseThreads threads() {
        return threads;
    }

    /** A latch that opens after the first attempt to reach the database. */
    public CountDownLatch reached() {
        return reached;
    }

    public DatabaseStatus status() {
        return status;
    }

    public LeaderStatus leader() {
        return leader;
    }

    public boolean isLed() {
        return leader.view().role() == LeaderStatus.Role.LEADER;
    }

    /** Whether this process leads it or stands by. */
    public boolean isStoodFor() {
        return isLed() || leader.view().role() == LeaderStatus.Role.STANDBY;
    }

    public EngineStatistics statistics() {
        return statistics;
    }

    public EngineLifecycle engine() {
        return engine;
    }

    public ScheduleKeeper schedules() {
        return schedules;
    }

    public Maintenance maintenance() {
        return maintenance;
    }

    public Census census() {
        return census;
    }

    public Retention retention() {
        return retention;
    }
}
