package dev.perdure.faults.scenario;

import dev.perdure.faults.Scenario;
import dev.perdure.faults.Session;
import dev.perdure.faults.Verdict;
import dev.perdure.faults.ledger.Generator;
import dev.perdure.faults.ledger.LedgerTables;
import dev.perdure.faults.ledger.Starter;
import dev.perdure.faults.world.Link;
import dev.perdure.faults.world.Point;
import dev.perdure.faults.world.Trap;
import dev.perdure.faults.world.World;
import java.sql.Connection;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/**
 * The leader is killed while a checkpoint of its term was executed and its COMMIT is still on the way, which arrives when all
 * other instances have ended. The next leader must not wait for it, nor do its step again once it is committed.
 */
public final class CommitInFlight implements Scenario {

    @Override
    public String name() {
        return "in-flight";
    }

    @Override
    public String promise() {
        return "what the old term has in flight delays its own instance alone, and is done once";
    }

    @Override
    public Verdict run(Session session) throws Exception {
        int rounds = session.size(2, 10);
        long others = 0;
        try (World world = World.create()) {
            for (int round = 1; round <= rounds; round++) {
                world.startWorkers(2 - world.workers().all().size());
                Starter starter = new Starter(world.book(), LedgerTables.APP);
                try (Connection app = world.server().connect(LedgerTables.APP)) {
                    for (int i = 0; i < 20; i++) {
                        starter.start(app, Generator.chain(30, 0.02));
                    }
                }
                Trap trap = world.proxy().arm(Point.BEFORE_COMMIT);
                Optional<Link> caught = trap.await(Duration.ofSeconds(20));
                if (caught.isEmpty()) {
                    return Verdict.empty("no checkpoint was caught in round " + round);
                }
                Link link = caught.get();
                link.dropClient();
                world.workers().kill(world.workers().leader());
                world.workers().leader();
                long before = System.nanoTime();
                Awaitility.await("all other instances have ended")
                        .atMost(World.PATIENCE)
                        .pollInterval(Duration.ofMillis(20))
                        .until(() -> world.unfinished() <= 1);
                others = Math.max(others, (System.nanoTime() - before) / 1_000_000);
                // In the middle of a try of the step that waits for it, or between two.
                TimeUnit.MILLISECONDS.sleep(session.random("late " + round).nextInt(3000));
                if (world.number("SELECT count(*) FROM pg_stat_activity WHERE xact_start IS NOT NULL AND pid = "
                                + link.backendPid())
                        == 0) {
                    return Verdict.empty("the checkpoint was not in flight any more in round " + round);
                }
                link.commitLate();
                Verdict verdict = Verdict.of(world.settle(), "round " + round);
                trap.reset();
                if (verdict.kind() != Verdict.Kind.PASSED) {
                    return verdict;
                }
            }
            return Verdict.passed(rounds + " late commits, " + world.effects() + " effects; the other instances ended at most " + others
                    + " ms after the take-over");
        }
    }
}
