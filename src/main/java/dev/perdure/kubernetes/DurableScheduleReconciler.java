package dev.perdure.kubernetes;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.perdure.kubernetes.api.DurableSchedule;
import dev.perdure.kubernetes.api.DurableScheduleStatus;
import dev.perdure.kubernetes.api.DurableWorkflow;
import dev.perdure.kubernetes.manifest.InvalidDefinitionException;
import dev.perdure.kubernetes.manifest.Place;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.javaoperatorsdk.operator.api.config.informer.Informer;
import io.javaoperatorsdk.operator.api.config.informer.InformerEventSourceConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.ControllerConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.Reconciler;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import io.javaoperatorsdk.operator.processing.event.source.informer.Mappers;
import io.javaoperatorsdk.operator.processing.retry.GradualRetry;
import java.net.HttpURLConnection;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Creates the runs of a DurableSchedule, and deletes those that its history does not keep. */
@ControllerConfiguration(
        name = "durableschedules",
        fieldManager = DurableWorkflowReconciler.FIELD_MANAGER,
        informer = @Informer(genericFilter = OurScheduleFilter.class))
@GradualRetry(maxAttempts = Integer.MAX_VALUE, initialInterval = 500, intervalMultiplier = 2, maxInterval = 30_000)
public class DurableScheduleReconciler implements Reconciler<DurableSchedule> {

    private static final JsonMapper JSON = new JsonMapper();
    private static final Place TEMPLATE = new Place("spec.workflowTemplate.spec");

    private final RolePolicy policy;
    private final Clock clock = Clock.systemUTC();

    DurableScheduleReconciler(RolePolicy policy) {
        this.policy = policy;
    }

    @Override
    public List<EventSource<?, DurableSchedule>> prepareEventSources(EventSourceContext<DurableSchedule> context) {
        return List.of(new InformerEventSource<>(
                InformerEventSourceConfiguration.from(DurableWorkflow.class, DurableSchedule.class)
                        .withNamespacesInheritedFromController()
                        .withLabelSelector(DurableWorkflow.SCHEDULE)
                        .withSecondaryToPrimaryMapper(Mappers.fromOwnerReferences(DurableSchedule.class))
                        .build(),
                context));
    }

    @Override
    public UpdateControl<DurableSchedule> reconcile(DurableSchedule schedule, Context<DurableSchedule> context) {
        DurableScheduleStatus before =
                schedule.getStatus() == null ? new DurableScheduleStatus() : schedule.getStatus();
        DurableScheduleStatus status = JSON.convertValue(before, DurableScheduleStatus.class);
        status.observedGeneration = schedule.getMetadata().getGeneration();
        Instant now = clock.instant();
        Duration again = null;
        try {
            CronTimes times = accept(schedule);
            condition(schedule, status, true, Reason.ACCEPTED, "the schedule is valid");
            ScheduleDecision decision = ScheduleDecision.of(
                    schedule.getSpec(),
                    times,
                    Instant.parse(schedule.getMetadata().getCreationTimestamp()),
                    time(status.lastScheduleTime),
                    time(status.lastSuccessfulTime),
                    context.getSecondaryResourcesAsStream(DurableWorkflow.class)
                            .map(ScheduledRun::of)
                            .toList(),
                    now);
            carryOut(schedule, decision, context);
            status.active = decision.active();
            status.lastScheduleTime = decision.last().map(Instant::toString).orElse(null);
            status.lastSuccessfulTime =
                    decision.lastSuccess().map(Instant::toString).orElse(null);
            status.nextScheduleTime = decision.next().map(Instant::toString).orElse(null);
            again = decision.next()
                    .map(next -> Duration.between(now, next).plusMillis(1))
                    .orElse(null);
        } catch (InvalidDefinitionException e) {
            condition(schedule, status, false, Reason.INVALID_DEFINITION, e.getMessage());
            status.nextScheduleTime = null;
            say(schedule, context, EventRecorder.WARNING, Reason.INVALID_DEFINITION, e.getMessage());
        }
        UpdateControl<DurableSchedule> control = JSON.valueToTree(before).equals(JSON.valueToTree(status))
                ? UpdateControl.noUpdate()
                : UpdateControl.patchStatus(withStatus(schedule, status));
        return again == null ? control : control.rescheduleAfter(again);
    }

    /** What can be told of a run before there is one. */
    private CronTimes accept(DurableSchedule schedule) throws InvalidDefinitionException {
        CronTimes times = CronTimes.of(schedule.getSpec().schedule, schedule.getSpec().timeZone);
        Admission.definition(schedule.getSpec().workflowTemplate.spec, TEMPLATE);
        String namespace = schedule.getMetadata().getNamespace();
        String role = schedule.getSpec().workflowTemplate.spec.role;
        if (!policy.allows(namespace, role)) {
            throw new InvalidDefinitionException(TEMPLATE.path() + ".role: " + RolePolicy.refusal(namespace, role));
        }
        return times;
    }

    private static void carryOut(
            DurableSchedule schedule, ScheduleDecision decision, Context<DurableSchedule> context) {
        String namespace = schedule.getMetadata().getNamespace();
        for (String name : decision.delete()) {
            context.getClient()
                    .resources(DurableWorkflow.class)
                    .inNamespace(namespace)
                    .withName(name)
                    .delete();
        }
        decision.missed()
                .ifPresent(time -> say(
                        schedule,
                        context,
                        EventRecorder.WARNING,
                        Reason.MISSED_SCHEDULE,
                        "the run of " + time + " is left out: startingDeadlineSeconds is over"));
        decision.blocked()
                .ifPresent(time -> say(
                        schedule,
                        context,
                        EventRecorder.NORMAL,
                        Reason.ALREADY_ACTIVE,
                        "the run of " + time + " waits for the end of others: "
                                + String.join(", ", decision.active())));
        decision.start().ifPresent(time -> {
            DurableWorkflow run = ScheduledRuns.run(schedule, time);
            try {
                context.getClient().resource(run).create();
                say(
                        schedule,
                        context,
                        EventRecorder.NORMAL,
                        Reason.CREATED,
                        "created " + run.getMetadata().getName());
            } catch (KubernetesClientException e) {
                if (e.getCode() != HttpURLConnection.HTTP_CONFLICT) {
                    throw e;
                }
                // It is there: created before a crash, or by the leader before this one.
            }
        });
    }

    private void condition(
            DurableSchedule schedule, DurableScheduleStatus status, boolean accepted, String reason, String message) {
        status.conditions = Conditions.with(
                status.conditions,
                "Accepted",
                accepted,
                reason,
                message,
                schedule.getMetadata().getGeneration(),
                StatusDraft.text(clock.instant()));
    }

    private static Optional<Instant> time(@Nullable String text) {
        return Optional.ofNullable(text).map(Instant::parse);
    }

    private static void say(
            DurableSchedule schedule, Context<DurableSchedule> context, String type, String reason, String message) {
        EventRecorder.record(context.getClient(), schedule, type, reason, message);
    }

    private static DurableSchedule withStatus(DurableSchedule schedule, DurableScheduleStatus status) {
        DurableSchedule patch = new DurableSchedule();
        patch.setMetadata(new ObjectMetaBuilder()
                .withName(schedule.getMetadata().getName())
                .withNamespace(schedule.getMetadata().getNamespace())
                .withUid(schedule.getMetadata().getUid())
                .withResourceVersion(schedule.getMetadata().getResourceVersion())
                .build());
        patch.setSpec(null);
        patch.setStatus(status);
        return patch;
    }
}
