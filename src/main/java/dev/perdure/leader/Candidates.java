package dev.perdure.leader;

import io.vertx.sqlclient.Tuple;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * Other workers of a fleet that stand for election for a database, and whether it is left or given to one of them. They are known by the
 * names of their sessions ({@link Spread#sessionName()}). Used by the election's thread alone.
 */
final class Candidates {

    private static final Logger LOG = Logger.getLogger(Candidates.class);
    /** One that was left to another worker and comes back within this time is kept. */
    private static final long KEPT_NANOS = TimeUnit.SECONDS.toNanos(10);

    private static final String OTHERS =
            """
            a.usename = current_user AND a.pid <> pg_backend_pid() AND a.datname = current_database()
            AND substring(a.application_name from '^perdure-leader, leads ([0-9]{1,4})$')::integer <= $1""";

    /** Whether one stands for election that leads so few databases. It may be frozen. */
    private static final String STANDS = "SELECT EXISTS (SELECT FROM pg_stat_activity a WHERE " + OTHERS + ")";

    /** Whether one that leads so few, and whose session is so old, waits for the lock at this moment: one that is frozen does not. */
    private static final String WAITS =
            "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE " + OTHERS
                    + " AND a.backend_start < clock_timestamp() - $2 * interval '1 ms'"
                    + " AND l.locktype = 'advisory' AND l.objsubid = 1 AND NOT l.granted"
                    + " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                    + " AND (l.classid::bigint << 32 | l.objid::bigint) = $3)";

    private final Spread spread;
    private long leftAt = System.nanoTime() - KEPT_NANOS;

    Candidates(Spread spread) {
        this.spread = spread;
    }

    /** Whether another worker stands for election as well, and leads fewer databases than this one. */
    boolean isLeftToAnother(LeaderSession session) throws LeaderLostException {
        int led = spread.led();
        if (led == 0 || System.nanoTime() - leftAt < KEPT_NANOS || !answersTrue(session, STANDS, Tuple.of(led - 1))) {
            return false;
        }
        leftAt = System.nanoTime();
        LOG.infof("This worker leads %d databases; another one that leads fewer has this one", led);
        return true;
    }

    /** Whether this worker gives the database away, to one that waits for it and leads at least two less. */
    boolean isGivenAway(LeaderSession session, long key) throws LeaderLostException {
        int led = spread.led();
        boolean isGiven = spread.mayGive()
                && answersTrue(
                        session,
                        WAITS,
                        Tuple.of(led - 2, (double) spread.settled().toMillis(), key))
                && spread.give();
        if (isGiven) {
            LOG.infof("This worker leads %d databases and gives one to a worker that leads at least two less", led);
        }
        return isGiven;
    }

    /** No term ends because a question about others is refused. */
    private static boolean answersTrue(LeaderSession session, String question, Tuple arguments)
            throws LeaderLostException {
        try {
            return session.one(question, arguments).getBoolean(0);
        } catch (LeaderLostException e) {
            if (e.sqlState() == null || session.isClosed()) {
                throw e;
            }
            LOG.debugf("Nothing is known of other workers: %s", e.getMessage());
            return false;
        }
    }
}
