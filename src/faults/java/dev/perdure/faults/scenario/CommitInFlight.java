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

/**
 * The leader is killed while a checkpoint of its term was executed and its COMMIT is still on the way, which then arrives.
 * The next leader must not load anything before that has ended, or it would run a step again that is about to commit.
 */
public final class CommitInFlight implements Scenario {

    @Override
    public String name() {
        return "in-flight";
    }

    @Override
    public String promise() {
        return "a take-over waits for what the old term has in flight";
    }

    @Override
    public Verdict run(Session session) throws Exception {
        int rounds = session.size(1, 10);
        try (World world = World.create()) {
            for (int round = 1; round <= rounds; round++) {
                world.startWorkers(2 - world.workers().all().size());
                Starter starter = new Starter(world.book(), LedgerTables.APP);
                try (Connection app = world.server().connect(LedgerTables.APP)) {
                    for (int i = 0; i < 20; i++) {
                        starter.start(app, Generator.chain(10, 0.02));
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
                world.awaitNumber("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%df._settle_term%'", 1);
                // The new term goes on waiting, for as long as the old checkpoint is in flight.
                TimeUnit.MILLISECONDS.sleep(700);
                if (world.workers().findLeader().isPresent()) {
                    return Verdict.failed("a worker leads while a checkpoint of the old term is in flight");
                }
                link.commitLate();
                world.workers().leader();
                trap.reset();
                Verdict verdict = Verdict.of(world.settle(), "round " + round);
                if (verdict.kind() != Verdict.Kind.PASSED) {
                    return verdict;
                }
            }
            return Verdict.passed(rounds + " late commits, " + world.effects() + " effects");
        }
    }
}
