package dev.perdure.flow.schedule;

import dev.perdure.flow.cron.PlannedTimes;
import dev.perdure.flow.schedule.SchedulePlan.Outcome;
import dev.perdure.flow.schedule.SchedulePlan.Run;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Decides the planned times of a schedule that are due. A planned time is decided once: those before {@code next} are behind it, and
 * it never goes back, however the clock jumps.
 *
 * <p>When several are due at once, as after an outage, the latest are those that run, as many as the overlap lets: one, with
 * {@link Overlap#BUFFER} two, with {@link Overlap#ALLOW} up to {@value #MOST_AT_ONCE}.
 */
public final class SchedulePlanner {

    /** Of a longer list of times that are over, the latest so many have a row each, and one row says how many there are before. */
    public static final int MOST_ROWS = 1_000;

    /** A schedule starts no more than so many at once. */
    public static final int MOST_AT_ONCE = 100;

    /** Nobody is interested in a larger number, which takes time to count. */
    private static final int MOST_COUNTED = 10_000;

    /** So much later than planned is in time, whatever {@code catch_up} says: a take-over lasts seconds. */
    public static final Duration GRACE = Duration.ofSeconds(30);

    /** The next look at a waiting run is after a part of the time that it has waited. */
    private static final int SELDOM = 20;

    private static final Duration SHORTEST_LOOK = Duration.ofSeconds(1);
    private static final Duration LONGEST_LOOK = Duration.ofSeconds(30);

    /**
     * A schedule.
     *
     * @param catchUp a planned time that is late by more is missed
     * @param jitter by how much a start is put off at most
     */
    public record Definition(long id, PlannedTimes times, Overlap overlap, Duration catchUp, Duration jitter) {}

    /**
     * The state of a schedule.
     *
     * @param next the first planned time that is not decided
     * @param buffered the planned time of the run that waits
     * @param active whether a run has not ended
     */
    public record State(@Nullable Instant next, @Nullable Instant buffered, boolean active) {}

    private final Definition schedule;
    private final Instant now;
    private final List<Run> runs = new ArrayList<>();
    private boolean active;
    private boolean cancels;
    private @Nullable Instant buffered;

    private SchedulePlanner(Definition schedule, State state, Instant now) {
        this.schedule = schedule;
        this.now = now;
        this.active = state.active();
        this.buffered = state.buffered();
    }

    /** The plan for a schedule at a moment. */
    public static SchedulePlan plan(Definition schedule, State state, Instant now) {
        return new SchedulePlanner(schedule, state, now).plan(state.next());
    }

    private SchedulePlan plan(@Nullable Instant from) {
        Instant next = firstNotDue(from);
        if (from != null) {
            decide(from, next);
        } else {
            startBuffered();
        }
        cancels |= buffered != null && active && schedule.overlap().endsOthers();
        return new SchedulePlan(List.copyOf(runs), cancels, next, look(next), buffered);
    }

    private Instant due(Instant planned) {
        return planned.plus(Jitter.of(schedule.id(), planned, schedule.jitter()));
    }

    /** Times are decided in their order: none behind one that is not due is due either. */
    private @Nullable Instant firstNotDue(@Nullable Instant from) {
        Instant first = schedule.times().after(now).orElse(null);
        Instant earliest = now.minus(schedule.jitter());
        Optional<Instant> time = schedule.times().upTo(now);
        while (time.isPresent()
                && time.get().isAfter(earliest)
                && (from == null || !time.get().isBefore(from))) {
            if (due(time.get()).isAfter(now)) {
                first = time.get();
            }
            time = schedule.times().before(time.get());
        }
        return from != null && first != null && first.isBefore(from) ? from : first;
    }

    private void decide(Instant from, @Nullable Instant next) {
        Deque<Instant> missed = new ArrayDeque<>();
        Deque<Instant> young = new ArrayDeque<>();
        Duration patience = schedule.catchUp().compareTo(GRACE) < 0 ? GRACE : schedule.catchUp();
        Instant tooLate = now.minus(patience);
        Optional<Instant> time =
                next == null ? schedule.times().upTo(now) : schedule.times().before(next);
        while (time.isPresent() && !time.get().isBefore(from) && missed.size() + young.size() < MOST_ROWS) {
            (due(time.get()).isBefore(tooLate) ? missed : young).addFirst(time.get());
            time = schedule.times().before(time.get());
        }
        if (time.isPresent() && !time.get().isBefore(from)) {
            summarise(from, time.get());
        }
        missed.forEach(planned -> runs.add(new Run(planned, Outcome.MISSED, "more than catch_up late")));
        if (schedule.overlap().endsOthers() && buffered != null && !young.isEmpty()) {
            runs.add(new Run(buffered, Outcome.SKIPPED, "the run of " + young.getLast() + " is due, too"));
            buffered = null;
        }
        startBuffered();
        decideInTime(young);
    }

    private void summarise(Instant from, Instant last) {
        Instant first = schedule.times().after(from.minusNanos(1)).orElse(from);
        int more = 0;
        Instant at = first;
        while (at.isBefore(last) && more < MOST_COUNTED) {
            more++;
            at = schedule.times().after(at).orElse(last);
        }
        runs.add(new Run(
                first,
                Outcome.MISSED,
                (more < MOST_COUNTED ? Integer.toString(more) : more + " or more") + " others were missed, too, up to "
                        + last));
    }

    private void startBuffered() {
        if (buffered != null && (!active || !schedule.overlap().isExclusive())) {
            runs.add(new Run(buffered, Outcome.STARTED, "buffered"));
            buffered = null;
            active = true;
        }
    }

    private void decideInTime(Deque<Instant> young) {
        int room = room();
        while (young.size() > room) {
            Instant left = young.removeFirst();
            runs.add(
                    schedule.overlap() == Overlap.ALLOW
                            ? new Run(left, Outcome.MISSED, "more than " + MOST_AT_ONCE + " runs were due at once")
                            : new Run(left, Outcome.SKIPPED, reason(room, young)));
        }
        for (Instant planned : young) {
            if (!active || !schedule.overlap().isExclusive()) {
                runs.add(new Run(planned, Outcome.STARTED, null));
                active = true;
            } else {
                runs.add(new Run(planned, Outcome.BUFFERED, "another run had not ended"));
                buffered = planned;
            }
        }
    }

    private String reason(int room, Deque<Instant> rest) {
        if (room > 0) {
            return "the run of " + rest.getLast() + " is due, too";
        }
        return buffered != null ? "another run waits already" : "another run had not ended";
    }

    /** The number of further runs that may be taken. */
    private int room() {
        return switch (schedule.overlap()) {
            case SKIP -> active ? 0 : 1;
            case BUFFER -> (active ? 0 : 1) + (buffered == null ? 1 : 0);
            case CANCEL_OTHER -> 1;
            case ALLOW -> MOST_AT_ONCE;
        };
    }

    /** The next look of a run that waits for the end of another: the longer it has waited, the later. */
    private @Nullable Instant look(@Nullable Instant next) {
        Instant due = next == null ? null : due(next);
        if (buffered == null) {
            return due;
        }
        Duration pause = Duration.between(buffered, now).dividedBy(SELDOM);
        if (pause.compareTo(SHORTEST_LOOK) < 0) {
            pause = SHORTEST_LOOK;
        } else if (pause.compareTo(LONGEST_LOOK) > 0) {
            pause = LONGEST_LOOK;
        }
        Instant again = now.plus(pause);
        return due == null || again.isBefore(due) ? again : due;
    }
}
