package dev.perdure.control;

import dev.perdure.database.DatabaseThreads;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.LogText;
import dev.perdure.database.ServerIdentity;
import dev.perdure.database.TermSession;
import dev.perdure.flow.cron.TimeZones;
import dev.perdure.flow.schedule.SchedulePlan;
import dev.perdure.leader.LeaderListener;
import dev.perdure.store.Term;
import java.sql.SQLException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Looks once a second for due schedules, while this worker leads; first it records the time zones that it does not know. One session and
 * one thread a term.
 */
public class ScheduleKeeper implements LeaderListener {

    private static final Logger LOG = Logger.getLogger(ScheduleKeeper.class);
    private static final String FENCED = "DF002";
    private static final long EVERY_MILLIS = 1_000;

    private final DatabaseThreads threads;
    private final Schedules schedules = new Schedules();
    private volatile @Nullable DatabaseUrl url;
    private volatile @Nullable Watch watch;
    private volatile boolean answers = true;

    /** The session and the state of a term. */
    private record Watch(TermSession session, ScheduledExecutorService thread, AtomicBoolean zonesAreTold) {}

    /** The keeper of a database's schedules. */
    public ScheduleKeeper(DatabaseThreads threads) {
        this.threads = threads;
    }

    /** Begins, once the database is ready, to look while this worker leads. */
    public void begin(DatabaseUrl database) {
        url = database;
    }

    /** Number of planned times with this decision since the process began. */
    public long count(SchedulePlan.Outcome outcome) {
        return schedules.count(outcome);
    }

    @Override
    public void elected(Term term, ServerIdentity server, int host) {
        DatabaseUrl database = url;
        if (database == null) {
            return;
        }
        Watch begun = new Watch(
                new TermSession(database.withHost(database.hosts().get(host)), server, "perdure-schedules"),
                Executors.newSingleThreadScheduledExecutor(threads.daemons("perdure-schedules")),
                new AtomicBoolean());
        watch = begun;
        begun.thread()
                .scheduleWithFixedDelay(
                        () -> look(begun, term.epoch()), EVERY_MILLIS / 2, EVERY_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void look(Watch current, long epoch) {
        try {
            current.session().call(connection -> {
                if (!current.zonesAreTold().get()) {
                    UnknownZones.tell(connection, epoch, TimeZones::isKnown);
                    current.zonesAreTold().set(true);
                }
                return schedules.turn(connection, epoch, null);
            });
            answers = true;
        } catch (SQLException e) {
            // Once for as long as it lasts.
            if (answers && !FENCED.equals(e.getSQLState()) && watch == current) {
                LOG.warnf("Schedules are looked at again in a second: %s", LogText.of(String.valueOf(e.getMessage())));
            }
            answers = false;
        } catch (RuntimeException e) {
            LOG.error("Looking at schedules failed; it goes on", e);
        }
    }

    @Override
    public void dismissed(boolean orderly) {
        Watch last = watch;
        watch = null;
        if (last == null) {
            return;
        }
        last.thread().shutdownNow();
        try {
            last.session().close();
        } catch (SQLException e) {
            LOG.debugf("The session of schedules was not closed in order: %s", e.getMessage());
        }
    }

    @Override
    public void released() {}
}
