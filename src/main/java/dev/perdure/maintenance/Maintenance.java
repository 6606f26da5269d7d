package dev.perdure.maintenance;

import dev.perdure.config.DatabaseOptions;
import dev.perdure.config.PerdureConfig;
import dev.perdure.database.DatabaseThreads;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.ServerIdentity;
import dev.perdure.database.TermSession;
import dev.perdure.leader.LeaderListener;
import dev.perdure.leader.LeaderStatus;
import dev.perdure.store.Term;
import io.quarkus.scheduler.Scheduled.ConcurrentExecution;
import io.quarkus.scheduler.Scheduler;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.atomic.LongAdder;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Runs the periodic jobs of a database, once it is ready and while this worker leads. */
public class Maintenance implements LeaderListener {

    private static final Logger LOG = Logger.getLogger(Maintenance.class);
    private static final String FENCED = "DF002";

    private final PerdureConfig config;
    private final DatabaseOptions options;
    private final DatabaseThreads threads;
    private final LeaderStatus leader;
    private final Scheduler scheduler;
    private final Census census;
    private final Retention retention;
    private final LongAdder failures = new LongAdder();
    private volatile @Nullable DatabaseUrl url;
    private volatile @Nullable TermSession session;

    /** The maintenance of a database, which begins when it is ready. */
    public Maintenance(
            PerdureConfig config,
            DatabaseOptions options,
            DatabaseThreads threads,
            LeaderStatus leader,
            Scheduler scheduler,
            Census census,
            Retention retention) {
        this.config = config;
        this.options = options;
        this.threads = threads;
        this.leader = leader;
        this.scheduler = scheduler;
        this.census = census;
        this.retention = retention;
    }

    /** Number of runs that failed since the process began. */
    public long failures() {
        return failures.sum();
    }

    /** Begins, now that the database is ready. */
    public void begin(DatabaseUrl database) {
        url = database;
        Retention.Limits limits =
                new Retention.Limits(options.retentionDays(), options.maxEndedInstances(), config.retentionBatchSize());
        every(config.metricsInterval(), "perdure census", (open, epoch) -> {
            census.take(open);
            return epoch;
        });
        every(config.reconcileInterval(), "perdure retention", (open, epoch) -> retention.run(open, epoch, limits));
    }

    @Override
    public void elected(Term term, ServerIdentity server, int host) {
        DatabaseUrl database = url;
        if (database != null) {
            session = new TermSession(database.withHost(database.hosts().get(host)), server, "perdure-maintenance");
        }
    }

    @Override
    public void dismissed(boolean orderly) {
        TermSession last = session;
        session = null;
        if (last != null) {
            close(last);
        }
    }

    @Override
    public void released() {}

    /** One run of a job. */
    @FunctionalInterface
    private interface Job {
        long run(Connection session, long epoch) throws SQLException;
    }

    private void every(Duration interval, String name, Job job) {
        if (interval.isZero()) {
            return;
        }
        scheduler
                .newJob(name + (threads.database().isEmpty() ? "" : " " + threads.database()))
                .setInterval(interval.toString())
                .setDelayed(interval.toString())
                .setConcurrentExecution(ConcurrentExecution.SKIP)
                .setTask(execution -> threads.named(() -> runWhileLeading(name, job)))
                .schedule();
    }

    private void runWhileLeading(String name, Job job) {
        LeaderStatus.View view = leader.view();
        TermSession open = session;
        if (view.role() != LeaderStatus.Role.LEADER || open == null) {
            census.forget();
            return;
        }
        try {
            open.call(connection -> job.run(connection, view.epoch()));
        } catch (SQLException e) {
            if (!FENCED.equals(e.getSQLState()) && session == open) {
                failures.increment();
                LOG.warnf("The job \"%s\" failed, it runs again at its next time: %s", name, e.getMessage());
            }
        }
    }

    private static void close(TermSession session) {
        try {
            session.close();
        } catch (SQLException e) {
            LOG.debugf("The maintenance session was not closed in order: %s", e.getMessage());
        }
    }
}
