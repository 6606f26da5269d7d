package dev.perdure.engine.owner;

import org.jspecify.annotations.Nullable;

/**
 * The pace at which the owner's loop looks for new work. While few instances are started, each start sends a NOTIFY and is taken up at
 * once; while many are, frequent looks are cheaper than NOTIFYs (architecture 6). Touched on the loop's thread, except where a method says
 * otherwise.
 */
final class LookPace {

    private static final double BUSY_PER_SECOND = 400;
    /** The weight of an answer, in starts: NOTIFY makes commits wait for each other. */
    private static final int NOTIFIED = 8;

    private static final long POLL_WITHOUT_NOTIFY_NANOS = 50_000_000;
    private static final long POLL_WITHOUT_ROOM_NANOS = 50_000_000;

    private final OwnerLoop.Pace pace;
    private final Intake intake;
    private final ArrivalRate arrivals;

    private boolean looked;
    private long lookedAt;
    private @Nullable Boolean idle;
    private volatile boolean listens;
    private volatile boolean asksForNotices;

    /**
     * A pace of a loop that has not looked yet.
     *
     * @param intake what waits there is looked for again soon
     */
    LookPace(OwnerLoop.Pace pace, Intake intake) {
        this.pace = pace;
        this.intake = intake;
        this.arrivals = new ArrivalRate(pace.idleAfter());
    }

    /** Whether NOTIFYs are heard at present. From any thread. */
    void listens(boolean now) {
        listens = now;
    }

    /** Whether callers that start something send a NOTIFY, and it is heard. From any thread. */
    boolean isTold() {
        return isNotified() && asksForNotices;
    }

    /** Counts the instances, and the answers to waiting nodes, that a look has found. */
    void looked(long nanos, int instances, int answers) {
        looked = true;
        lookedAt = nanos;
        arrivals.add(nanos, instances + NOTIFIED * answers);
    }

    /** Notes that the tables now tell callers the last value of {@link #idleToSay}. */
    void said(boolean now) {
        idle = now;
        asksForNotices = now;
    }

    /** The value to write for callers, whether they send NOTIFYs; null when the tables have it already, or before the first look. */
    @Nullable Boolean idleToSay(long nanos) {
        if (!looked) {
            return null;
        }
        boolean now = pace.notifications() && !isBusy(nanos) && intake.waiting() == 0 && !intake.hasMore();
        return idle != null && idle == now ? null : now;
    }

    /** Nanoseconds until the next look; zero or less when it is due. */
    long nanosUntilNext(long nanos) {
        return looked ? lookedAt + nanosBetween(nanos) - nanos : 0;
    }

    private long nanosBetween(long nanos) {
        if (isBusy(nanos)) {
            return pace.busy().toNanos();
        }
        if (intake.waiting() > 0 || intake.isTrying()) {
            return POLL_WITHOUT_ROOM_NANOS;
        }
        if (!isNotified()) {
            return POLL_WITHOUT_NOTIFY_NANOS;
        }
        // Once more after having said it: a start that read "busy" before may have committed since.
        return Boolean.TRUE.equals(idle) ? pace.idle().toNanos() : pace.busy().toNanos();
    }

    private boolean isNotified() {
        return pace.notifications() && listens;
    }

    private boolean isBusy(long nanos) {
        return arrivals.perSecond(nanos) > BUSY_PER_SECOND;
    }
}
