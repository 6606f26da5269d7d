package dev.perdure.ops;

import dev.perdure.config.BuildInfo;
import dev.perdure.database.DatabaseStatus;
import dev.perdure.fleet.Databases;
import dev.perdure.fleet.ServedDatabase;
import dev.perdure.maintenance.Census;
import dev.perdure.maintenance.Maintenance;
import dev.perdure.maintenance.Retention;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import jakarta.inject.Singleton;
import java.time.Instant;

/** Metrics of leadership and maintenance. */
@Singleton
class ClusterMetrics implements MeterBinder {

    private static final String[] STATUSES = {"pending", "running", "completed", "failed", "cancelled"};

    private final Databases databases;

    ClusterMetrics(Databases databases) {
        this.databases = databases;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        Gauge.builder("perdure.version", () -> 1)
                .description("Always 1; the label says which version this is")
                .tag("version", BuildInfo.read().version())
                .register(registry);
        databases.all().forEach(one -> bind(one, registry));
    }

    private static void bind(ServedDatabase one, MeterRegistry registry) {
        Tags database = Labels.of(one);
        Census census = one.census();
        Gauge.builder(
                        "perdure.database.ready",
                        one.status(),
                        d -> truth(d.current().state() == DatabaseStatus.State.READY))
                .description("1 while the database answers and its schema is migrated")
                .tags(database)
                .register(registry);
        Gauge.builder("perdure.leader", one, o -> truth(o.isLed()))
                .description("1 while this worker leads")
                .tags(database)
                .register(registry);
        Gauge.builder("perdure.epoch", one.leader(), l -> l.view().epoch())
                .description("The epoch of this worker's term, 0 while it does not lead")
                .tags(database)
                .register(registry);
        for (String status : STATUSES) {
            Gauge.builder("perdure.instances", census, c -> c.counts()
                            .instances()
                            .getOrDefault(status, 0L))
                    .description("Instances in the database as the leader counted last, 0 on other workers")
                    .tag("status", status)
                    .tags(database)
                    .register(registry);
        }
        Gauge.builder("perdure.instances.set.aside", census, c -> c.counts().setAside())
                .description(
                        "Instances that no worker works on, because workers ended with them, as the leader counted last")
                .tags(database)
                .register(registry);
        Gauge.builder("perdure.timers.waiting", census, c -> c.counts().waitingTimers())
                .description("Nodes that wait for a time, as the leader counted last")
                .tags(database)
                .register(registry);
        Gauge.builder("perdure.queue.waiting", census, c -> c.counts().queues().waiting())
                .description("Instances that wait for a slot of a queue, as the leader counted last")
                .tags(database)
                .register(registry);
        Gauge.builder("perdure.queue.running", census, c -> c.counts().queues().running())
                .description("Slots of queues that are taken, as the leader counted last")
                .tags(database)
                .register(registry);
        Gauge.builder("perdure.queue.oldest", census, c -> c.counts().queues().oldestSeconds())
                .description("How long the oldest instance has waited for a slot, as the leader counted last")
                .baseUnit("seconds")
                .tags(database)
                .register(registry);
        Gauge.builder("perdure.activities", census, c -> c.counts().activities().waiting())
                .tag("state", "waiting")
                .description("Activities that are not decided, as the leader counted last")
                .tags(database)
                .register(registry);
        Gauge.builder("perdure.activities", census, c -> c.counts().activities().claimed())
                .tag("state", "claimed")
                .description("Activities that are not decided, as the leader counted last")
                .tags(database)
                .register(registry);
        Gauge.builder("perdure.activities.oldest", census, c -> c.counts()
                        .activities()
                        .oldestSeconds())
                .description("How long the oldest activity that nobody has claimed has waited")
                .baseUnit("seconds")
                .tags(database)
                .register(registry);
        Gauge.builder("perdure.activities.ended", census, c -> c.counts()
                        .activities()
                        .completed())
                .tag("outcome", "completed")
                .description("Activities that ended in the last minute, as the leader counted last")
                .tags(database)
                .register(registry);
        Gauge.builder("perdure.activities.ended", census, c -> c.counts()
                        .activities()
                        .failed())
                .tag("outcome", "failed")
                .description("Activities that ended in the last minute, as the leader counted last")
                .tags(database)
                .register(registry);
        Gauge.builder("perdure.tasks.open", census, c -> c.counts().activities().tasks())
                .description("Approvals that are not decided, as the leader counted last")
                .tags(database)
                .register(registry);
        Gauge.builder("perdure.starts.delayed", census, c -> c.counts().queues().delayed())
                .description("Instances whose time to start has not come, as the leader counted last")
                .tags(database)
                .register(registry);
        Gauge.builder("perdure.oldest.pending", census, c -> c.counts().oldestPendingSeconds())
                .description("How long the oldest pending instance has waited, as the leader counted last")
                .baseUnit("seconds")
                .tags(database)
                .register(registry);
        FunctionCounter.builder("perdure.retention.deleted", one.retention(), Retention::deleted)
                .description("Instances that retention deleted")
                .tags(database)
                .register(registry);
        Gauge.builder("perdure.retention.last.success", one.retention(), r -> seconds(r.lastRun()))
                .description("When retention ended well the last time, in seconds since 1970, 0 before the first time")
                .baseUnit("seconds")
                .tags(database)
                .register(registry);
        FunctionCounter.builder("perdure.maintenance.failures", one.maintenance(), Maintenance::failures)
                .description("Runs of maintenance jobs that failed")
                .tags(database)
                .register(registry);
    }

    private static int truth(boolean value) {
        return value ? 1 : 0;
    }

    private static double seconds(@org.jspecify.annotations.Nullable Instant time) {
        return time == null ? 0 : time.toEpochMilli() / 1000.0;
    }
}
