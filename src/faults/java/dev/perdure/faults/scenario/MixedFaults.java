package dev.perdure.faults.scenario;

import dev.perdure.faults.Scenario;
import dev.perdure.faults.Session;
import dev.perdure.faults.Verdict;
import dev.perdure.faults.fault.AtPoint;
import dev.perdure.faults.fault.CrashServer;
import dev.perdure.faults.fault.CutOff;
import dev.perdure.faults.fault.EndSessions;
import dev.perdure.faults.fault.ExhaustConnections;
import dev.perdure.faults.fault.Fault;
import dev.perdure.faults.fault.FreezeLeader;
import dev.perdure.faults.fault.KillLeader;
import dev.perdure.faults.fault.KillStandby;
import dev.perdure.faults.fault.LockRows;
import dev.perdure.faults.fault.ResetConnections;
import dev.perdure.faults.fault.Silence;
import dev.perdure.faults.fault.Stall;
import dev.perdure.faults.fault.TerminateLeader;
import dev.perdure.faults.ledger.LedgerTables;
import dev.perdure.faults.ledger.Violation;
import dev.perdure.faults.world.Point;
import dev.perdure.faults.world.Subject;
import dev.perdure.faults.world.World;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/** All faults, at random, one after the other and two at a time, while random workflows are started without a break. */
public final class MixedFaults implements Scenario {

    private static final int WORKERS = 2;

    private final Map<String, Integer> struck = new TreeMap<>();
    private volatile long began;

    @Override
    public String name() {
        return "mixed";
    }

    @Override
    public String promise() {
        return "whatever breaks, each acknowledged start ends once and each effect happens once";
    }

    private static List<Fault> faults() {
        List<Fault> faults = new ArrayList<>(List.of(
                new KillLeader(),
                new KillLeader(),
                new KillStandby(),
                new TerminateLeader(),
                new FreezeLeader(),
                new EndSessions(),
                new EndSessions(),
                new CrashServer(),
                new ExhaustConnections(),
                new ResetConnections(),
                new ResetConnections(),
                new Stall(),
                new Silence(),
                new LockRows(),
                new CutOff()));
        for (Point point : Point.values()) {
            for (AtPoint.Break what : AtPoint.Break.values()) {
                for (Subject subject : List.of(Subject.STEP, Subject.ITEM, Subject.ADMISSION)) {
                    if (subject.comesTo(point)) {
                        faults.add(new AtPoint(point, what, subject));
                    }
                }
            }
        }
        return faults;
    }

    @Override
    public Verdict run(Session session) throws Exception {
        RandomGenerator random = session.random("faults");
        ExecutorService second = Executors.newSingleThreadExecutor();
        try (World world = World.create()) {
            world.startWorkers(WORKERS);
            began = System.nanoTime();
            Crowd crowd = new Crowd(world, session.size(150, 500))
                    .join(LedgerTables.APP, session.random("app"))
                    .join(LedgerTables.ASYNC, session.random("async"));
            if (session.longForm()) {
                crowd.join(LedgerTables.APP, session.random("app 2")).join(LedgerTables.APP, session.random("app 3"));
            }
            List<Fault> faults = faults();
            long end = began + session.time().toNanos();
            while (System.nanoTime() < end) {
                Fault fault = faults.get(random.nextInt(faults.size()));
                Fault other = faults.get(random.nextInt(faults.size()));
                boolean both = random.nextInt(4) == 0 && !other.takesWorkers();
                RandomGenerator itsOwn = session.random(other.name());
                Future<Boolean> alongside = both ? second.submit(() -> strike(world, other, itsOwn)) : null;
                strike(world, fault, random);
                if (alongside != null) {
                    alongside.get();
                }
                while (world.workers().all().size() < WORKERS) {
                    world.workers().start();
                }
                TimeUnit.MILLISECONDS.sleep(random.nextInt(1500));
            }
            crowd.stop();
            List<Violation> violations = world.settle();
            return Verdict.of(violations, figures(world, crowd, (System.nanoTime() - began) / 1_000_000_000));
        } finally {
            second.shutdownNow();
        }
    }

    private boolean strike(World world, Fault fault, RandomGenerator random) throws Exception {
        if (fault.takesWorkers()) {
            // A worker that only just starts cannot take over: workflows go on for as long as it takes.
            world.workers().awaitReady();
        }
        long begin = System.nanoTime();
        boolean tried;
        try {
            tried = fault.strike(world, random);
        } catch (SQLException e) {
            // Another fault struck this one's own session.
            System.out.println("        broken off: " + e.getMessage());
            tried = true;
        }
        System.out.printf(
                "  %4d s  %s%s, %d ms%n",
                (begin - this.began) / 1_000_000_000,
                fault.name(),
                tried ? "" : " (void)",
                (System.nanoTime() - begin) / 1_000_000);
        synchronized (struck) {
            struck.merge(tried ? fault.name() : fault.name() + " (void)", 1, Integer::sum);
        }
        return tried;
    }

    private String figures(World world, Crowd crowd, long seconds) throws Exception {
        return String.format(
                "%d starts in %d s, %d effects, submitters lost their connection %d times, steps outside a transaction"
                        + " done again %d times, most attempts of a step %d%n    %s%n    faults: %s",
                world.book().size(),
                seconds,
                world.effects(),
                crowd.broken(),
                world.number(
                        "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM app.effects WHERE step LIKE"
                                + " 'o%' GROUP BY instance, step) x"),
                world.number("SELECT coalesce(max((e.value ->> 'attempt')::int), 0) FROM df._checkpoints c,"
                        + " jsonb_each(c.state -> 'nodes') e"),
                world.programs(),
                struck);
    }
}
