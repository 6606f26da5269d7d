package dev.perdure.engine;

import dev.perdure.engine.actor.Breakdowns;
import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.actor.Lane;
import dev.perdure.engine.actor.Lanes;
import dev.perdure.engine.http.HttpExecutor;
import dev.perdure.engine.http.RequestSecrets;
import dev.perdure.engine.owner.OwnerLoop;
import dev.perdure.engine.sql.SqlContext;
import dev.perdure.engine.telemetry.EngineStatistics;
import dev.perdure.flow.template.AddressBook;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** The engine's core over the simulation, of one term. */
final class SimWorker {

    private final SimScheduler scheduler;
    final SimSteps steps;
    final SimHttp web;
    private @Nullable HttpExecutor http;
    final EngineParts parts;
    final EngineStatistics statistics = new EngineStatistics();
    boolean isOver;
    private boolean isOwnersTurn;
    String why = "";

    SimWorker(SimScheduler scheduler, SimDatabase database, SimFaults faults, long memory) {
        this(scheduler, database, faults, memory, 4, 8);
    }

    SimWorker(SimScheduler scheduler, SimDatabase database, SimFaults faults, long memory, int slots, int reserve) {
        this.scheduler = scheduler;
        long epoch = database.beginTerm();
        SimCodec codec = new SimCodec(faults, epoch);
        this.steps = new SimSteps(database, scheduler, codec, faults, epoch);
        this.web = new SimHttp(database.server, scheduler, faults);
        SimJournal journal = new SimJournal(database, scheduler, codec, faults, epoch);
        Lanes lanes = new Lanes() {
            @Override
            public void drain(InstanceActor actor, Lane lane) {
                if (isOwnersTurn) {
                    faults.mayBreak("answer");
                }
                if (lane == Lane.SESSIONS) {
                    scheduler.spawn(() -> actor.drain(lane));
                } else {
                    scheduler.soon(() -> actor.drain(lane));
                }
            }

            @Override
            public void onSessionThread(Runnable work) {
                scheduler.spawn(work);
            }
        };
        this.parts = EngineParts.wire(
                new EngineParts.Ground(
                        journal,
                        steps,
                        codec,
                        lanes,
                        turn -> scheduler.soon(() -> {
                            isOwnersTurn = true;
                            try {
                                turn.run();
                            } finally {
                                isOwnersTurn = false;
                            }
                        }),
                        scheduler::spawn,
                        scheduler,
                        scheduler::nanos,
                        database.now(),
                        statistics,
                        new Breakdowns.History(),
                        AddressBook.NONE,
                        instance -> {},
                        reason -> {
                            isOver = true;
                            why = reason;
                        }),
                new EngineParts.Options(
                        memory,
                        500,
                        Duration.ofSeconds(60),
                        new OwnerLoop.Pace(Duration.ofSeconds(1), Duration.ofMillis(10), Duration.ofSeconds(1), true),
                        new SqlContext.Settings(
                                slots,
                                slots,
                                reserve,
                                1 << 20,
                                Duration.ofMillis(10),
                                Duration.ZERO,
                                10,
                                Duration.ofHours(24))),
                wired -> {
                    HttpExecutor executor = new HttpExecutor(
                            web,
                            wired.desk().begins(),
                            new RequestSecrets(
                                    (instance, names) -> CompletableFuture.completedFuture(List.of()), scheduler),
                            wired.memory(),
                            scheduler::spawn,
                            wired.clock(),
                            scheduler::nanos,
                            statistics);
                    http = executor;
                    return new EffectStarter(
                            wired.sql(),
                            executor::start,
                            wired.desk().signals(),
                            wired.maps(),
                            scheduler,
                            wired.clock(),
                            scheduler::nanos);
                });
        scheduler.every(Duration.ofMillis(50), new RunningStatusWriter(parts.sql(), Duration.ofMillis(100)));
        scheduler.every(Duration.ofMillis(50), parts.sql()::makeRoom);
        scheduler.every(Duration.ofMillis(250), parts.sql()::cancelAgain);
        scheduler.every(Duration.ofMillis(50), http()::memoryMayBeFree);
    }

    HttpExecutor http() {
        return Objects.requireNonNull(http, "wiring makes it");
    }

    void start() {
        parts.loop().listens(true);
        parts.loop().start();
    }

    /** A NOTIFY. */
    void told() {
        parts.loop().lookNow();
    }

    /** The process is killed: nothing of it goes on but what the server does for it. */
    void stop() {
        parts.loop().stop();
        parts.desk().close();
        parts.sql().close();
        http().close();
        parts.actors().close();
    }

    @Override
    public String toString() {
        return "a worker with " + parts.actors().size() + " instances in memory, "
                + parts.desk().waitingToBeRead()
                + " to be read, " + parts.desk().writes().waiting() + " decisions to be written, "
                + parts.sql().queued() + " statements that wait, " + parts.sql().inUse() + " that run, "
                + http().queued() + " requests that wait, " + http().inUse() + " that are under way, "
                + parts.memory().taken() + " bytes" + (isOver ? ", whose term is over: " + why : "");
    }
}
