package dev.perdure.kubernetes.reconcile;

import dev.perdure.flow.cron.PlannedTimes;
import dev.perdure.flow.schedule.Overlap;
import dev.perdure.kubernetes.api.ConcurrencyPolicy;
import dev.perdure.kubernetes.api.DurableScheduleSpec;
import dev.perdure.kubernetes.api.Phase;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Decision about a schedule now. A function of values; the rules are those of the CronJob controller of Kubernetes.
 *
 * @param start for when a run is to be created
 * @param missed a time whose run is left out, since its starting deadline is over
 * @param blocked a time whose run waits for the end of others
 * @param delete runs that are replaced, or that the history does not keep
 * @param active the names of the runs that have not ended
 * @param done for when the latest run was scheduled that there has been
 * @param last the same, with the one to be created
 * @param lastSuccess when the latest run that succeeded did so
 * @param next the next time after now; empty while the schedule is suspended
 */
record ScheduleDecision(
        Optional<Instant> start,
        Optional<Instant> missed,
        Optional<Instant> blocked,
        List<ScheduledRun> delete,
        List<String> active,
        Optional<Instant> done,
        Optional<Instant> last,
        Optional<Instant> lastSuccess,
        Optional<Instant> next) {

    /**
     * @param since when the schedule was created, or its times were changed: nothing before is due
     * @param last for when the latest run was scheduled, as far as the status knows
     */
    static ScheduleDecision of(
            DurableScheduleSpec spec,
            PlannedTimes times,
            Instant since,
            Optional<Instant> last,
            Optional<Instant> lastSuccess,
            List<ScheduledRun> runs,
            Instant now) {
        Optional<Instant> done = Stream.concat(last.stream(), runs.stream().map(ScheduledRun::scheduledAt))
                .max(Comparator.naturalOrder());
        Optional<Instant> success = Stream.concat(
                        lastSuccess.stream(),
                        runs.stream()
                                .filter(run -> run.phase() == Phase.SUCCEEDED)
                                .flatMap(run -> Stream.ofNullable(run.completedAt())))
                .max(Comparator.naturalOrder());
        List<ScheduledRun> active = runs.stream().filter(ScheduledRun::isActive).toList();
        List<ScheduledRun> delete = new ArrayList<>();
        delete.addAll(surplus(runs, run -> run.phase() == Phase.SUCCEEDED, spec.successfulRunsHistoryLimit));
        delete.addAll(
                surplus(runs, run -> !run.isActive() && run.phase() != Phase.SUCCEEDED, spec.failedRunsHistoryLimit));

        boolean suspended = Boolean.TRUE.equals(spec.suspend);
        Optional<Instant> due = suspended
                ? Optional.empty()
                : times.latestDue(now, done.filter(since::isBefore).orElse(since));
        Overlap overlap = overlap(spec.concurrencyPolicy);
        boolean late = due.isPresent()
                && spec.startingDeadlineSeconds != null
                && Times.after(due.get(), spec.startingDeadlineSeconds).isBefore(now);
        boolean waits = due.isPresent() && !late && !active.isEmpty() && overlap.isExclusive();
        if (waits && overlap.endsOthers()) {
            active.stream().filter(run -> !run.deleted()).forEach(delete::add);
        }
        Optional<Instant> start = late || waits ? Optional.empty() : due;
        return new ScheduleDecision(
                start,
                late ? due : Optional.empty(),
                waits ? due : Optional.empty(),
                delete,
                active.stream().map(ScheduledRun::name).sorted().toList(),
                done,
                start.or(() -> done),
                success,
                suspended ? Optional.empty() : times.after(now));
    }

    /** The names that {@code df.create_schedule} has for the same. */
    static Overlap overlap(ConcurrencyPolicy policy) {
        return switch (policy) {
            case ALLOW -> Overlap.ALLOW;
            case FORBID -> Overlap.SKIP;
            case REPLACE -> Overlap.CANCEL_OTHER;
        };
    }

    private static List<ScheduledRun> surplus(List<ScheduledRun> runs, Predicate<ScheduledRun> which, int keep) {
        return runs.stream()
                .filter(which)
                .filter(run -> !run.deleted())
                .sorted(Comparator.comparing(ScheduledRun::scheduledAt).reversed())
                .skip(keep)
                .toList();
    }
}
