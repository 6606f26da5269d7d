package dev.perdure.kubernetes.reconcile;

import dev.perdure.flow.cron.PlannedTimes;
import dev.perdure.kubernetes.api.Reason;
import dev.perdure.kubernetes.manifest.InvalidDefinitionException;
import dev.perdure.kubernetes.submit.Admission;
import dev.perdure.kubernetes.watch.ApiException;
import dev.perdure.kubernetes.watch.Resource;
import dev.perdure.kubernetes.watch.ResourceCache;
import dev.perdure.kubernetes.watch.ResourceKey;
import dev.perdure.kubernetes.watch.ResourceKind;
import dev.perdure.kubernetes.watch.ServerClock;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Creates the runs of a DurableSchedule, and deletes those that its history does not keep. */
@Singleton
class ScheduleReconciler {

    private final Admission admission;
    private final ResourceCache cache;
    private final Writer writer;
    private final Events events;
    private final ServerClock clock;

    ScheduleReconciler(Admission admission, ResourceCache cache, Writer writer, Events events, ServerClock clock) {
        this.admission = admission;
        this.cache = cache;
        this.writer = writer;
        this.events = events;
        this.clock = clock;
    }

    Outcome reconcile(Resource schedule) throws ApiException {
        Instant now = clock.instant();
        ScheduleDraft draft = new ScheduleDraft(schedule, now);
        Outcome outcome;
        try {
            ScheduleSpec spec = ScheduleSpec.read(schedule.spec());
            PlannedTimes times = accept(schedule, spec, draft, now);
            ScheduleDecision decision = ScheduleDecision.of(
                    spec.fields(),
                    times,
                    draft.since(spec),
                    draft.lastSchedule(),
                    draft.lastSuccess(),
                    runs(schedule),
                    now);
            outcome = carryOut(schedule, draft, decision, now);
        } catch (InvalidDefinitionException e) {
            String message = String.valueOf(e.getMessage());
            draft.refused(Reason.INVALID_DEFINITION, message);
            events.warning(schedule, Reason.INVALID_DEFINITION, message);
            outcome = Outcome.DONE;
        } catch (RunRefusedException e) {
            // A quota, a webhook, a right that is missing: what refuses it today may take it tomorrow.
            draft.refused(Reason.RUN_REFUSED, e.text());
            events.warning(schedule, Reason.RUN_REFUSED, e.text());
            outcome = Outcome.failed(e.text());
        }
        if (draft.isChanged()) {
            writer.status(schedule, draft.document(), ScheduleDraft.MEMBERS);
        }
        return outcome;
    }

    /** Checks a run before there is one, by our rules and by the API server's. */
    private PlannedTimes accept(Resource schedule, ScheduleSpec spec, ScheduleDraft draft, Instant now)
            throws InvalidDefinitionException, RunRefusedException, ApiException {
        PlannedTimes times = CronTimes.of(spec.fields().schedule, spec.fields().timeZone);
        admission.check(schedule.key().namespace(), spec.template(), ScheduleSpec.TEMPLATE);
        if (!draft.wasAccepted()) {
            create(schedule, times.after(now).orElse(now), true);
        }
        draft.accepted(Boolean.TRUE.equals(spec.fields().suspend));
        return times;
    }

    private List<ScheduledRun> runs(Resource schedule) {
        return cache
                .select(seen -> schedule.uid().equals(seen.controllerUid())
                        && seen.key().kind() == ResourceKind.WORKFLOW
                        && seen.key().namespace().equals(schedule.key().namespace()))
                .stream()
                .map(ScheduledRun::of)
                .toList();
    }

    private Outcome carryOut(Resource schedule, ScheduleDraft draft, ScheduleDecision decision, Instant now)
            throws ApiException {
        for (ScheduledRun run : decision.delete()) {
            writer.delete(run.key(), run.uid());
        }
        decision.missed()
                .ifPresent(time -> events.warning(
                        schedule,
                        Reason.MISSED_SCHEDULE,
                        "the run of " + time + " is left out: startingDeadlineSeconds is over"));
        decision.blocked()
                .ifPresent(time -> events.normal(
                        schedule,
                        Reason.ALREADY_ACTIVE,
                        "the run of " + time + " waits for the end of others: "
                                + String.join(", ", decision.active())));
        Outcome outcome = Outcome.again(decision.next()
                .map(next -> Duration.between(now, next).plusMillis(1))
                .orElse(null));
        Optional<Instant> last = decision.last();
        if (decision.start().isPresent()) {
            try {
                create(schedule, decision.start().get(), false);
            } catch (RunRefusedException e) {
                draft.stalled(Reason.RUN_REFUSED, e.text());
                events.warning(schedule, Reason.RUN_REFUSED, e.text());
                last = decision.done();
                outcome = Outcome.failed(e.text());
            }
        }
        draft.runs(decision, last);
        return outcome;
    }

    private void create(Resource schedule, Instant time, boolean dryRun) throws RunRefusedException, ApiException {
        ResourceKey run = ScheduledRuns.key(schedule, time);
        try {
            writer.create(run, ScheduledRuns.document(schedule, time), dryRun);
            if (!dryRun) {
                events.normal(schedule, Reason.CREATED, "created " + run.name());
            }
        } catch (ApiException e) {
            if (e.isRefusal()) {
                throw new RunRefusedException(e);
            }
            if (!e.isConflict()) {
                throw e;
            }
            // It is there: created before a crash, or by the leader before this one.
        }
    }

    private static final class RunRefusedException extends Exception {

        private static final long serialVersionUID = 1L;

        RunRefusedException(ApiException cause) {
            super("the API server refuses the run: " + cause.getMessage(), cause);
        }

        String text() {
            return String.valueOf(getMessage());
        }
    }
}
