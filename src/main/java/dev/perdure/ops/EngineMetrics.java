package dev.perdure.ops;

import dev.perdure.database.Failure;
import dev.perdure.engine.telemetry.EngineStatistics;
import dev.perdure.engine.telemetry.StepReport.Outcome;
import dev.perdure.fleet.Databases;
import dev.perdure.fleet.ServedDatabase;
import dev.perdure.flow.Checkpoint.InstanceEnd;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import jakarta.inject.Singleton;
import java.util.function.ToDoubleFunction;

/** Metrics of the engine, read when somebody scrapes: the engine itself knows nothing of metrics. */
@Singleton
class EngineMetrics implements MeterBinder {

    private final Databases databases;

    EngineMetrics(Databases databases) {
        this.databases = databases;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        databases.all().forEach(one -> new OfDatabase(one).bindTo(registry));
    }

    /** Those of one database. */
    private record OfDatabase(ServedDatabase database) {

        void bindTo(MeterRegistry registry) {
            gauge(
                    "perdure.instances.loaded",
                    "Instances in this worker's memory",
                    EngineStatistics::liveInstances,
                    registry);
            gauge(
                    "perdure.steps.queued",
                    "Steps that wait for a session's slot",
                    EngineStatistics::queuedSteps,
                    registry);
            gauge(
                    "perdure.steps.running",
                    "Steps that hold a session's slot",
                    EngineStatistics::sessionsInUse,
                    registry);
            Gauge.builder("perdure.steps.limit", database.options(), options -> options.maxConcurrent())
                    .tags(Labels.of(database))
                    .description("Slots for steps, all roles together (perdure.step.max-concurrent)")
                    .register(registry);
            gauge(
                    "perdure.sessions.idle",
                    "Open sessions of submitters that are idle",
                    EngineStatistics::sessionsIdle,
                    registry);
            counter(
                    "perdure.session.failures",
                    "Logins as a submitter that failed",
                    registry,
                    EngineStatistics::loginFailures);
            counter(
                    "perdure.instances.started",
                    "Pending instances that were taken up",
                    registry,
                    EngineStatistics::instancesStarted);
            counter(
                    "perdure.instances.taken.over",
                    "Running instances of an earlier term that were taken over",
                    registry,
                    EngineStatistics::instancesTakenOver);
            counter("perdure.terms", "Terms of leadership that this worker began", registry, EngineStatistics::terms);
            counter(
                    "perdure.step.retries",
                    "Steps that are tried again after a failure that may pass",
                    registry,
                    statistics -> statistics.steps(Outcome.RETRIED));
            for (InstanceEnd.Status status : InstanceEnd.Status.values()) {
                counter(
                        "perdure.instances.ended",
                        "Instances that this worker ended",
                        registry,
                        ended -> ended.instancesEnded(status),
                        "status",
                        Labels.of(status));
            }
            gauge("perdure.maps.open", "Maps that this worker works on", EngineStatistics::openMaps, registry);
            gauge(
                    "perdure.map.items.open",
                    "Items of those maps that have not ended",
                    EngineStatistics::openItems,
                    registry);
            for (String outcome : new String[] {"completed", "failed"}) {
                counter(
                        "perdure.map.items.ended",
                        "Items of maps that this worker ended",
                        registry,
                        items -> items.itemsEnded(outcome.equals("completed")),
                        "outcome",
                        outcome);
            }
            for (String outcome : new String[] {"completed", "failed"}) {
                counter(
                        "perdure.compensations",
                        "Undos of sagas that ended: done, or given up",
                        registry,
                        undos -> undos.undosEnded(outcome.equals("completed")),
                        "outcome",
                        outcome);
            }
            for (Failure.Kind kind : Failure.Kind.values()) {
                counter(
                        "perdure.checkpoint.failures",
                        "Checkpoints that were not written at the first try, by what was wrong",
                        registry,
                        failed -> failed.checkpointFailures(kind),
                        "reason",
                        Labels.of(kind));
            }
        }

        private void gauge(
                String name, String description, ToDoubleFunction<EngineStatistics> value, MeterRegistry registry) {
            Gauge.builder(name, database.statistics(), value)
                    .description(description)
                    .tags(Labels.of(database))
                    .register(registry);
        }

        private void counter(
                String name,
                String description,
                MeterRegistry registry,
                ToDoubleFunction<EngineStatistics> value,
                String... labels) {
            FunctionCounter.builder(name, database.statistics(), value)
                    .description(description)
                    .tags(Labels.of(database).and(labels))
                    .register(registry);
        }
    }
}
