package dev.perdure.faults.scenario;

import dev.perdure.faults.Session;
import dev.perdure.faults.Scenario;
import dev.perdure.faults.Verdict;
import dev.perdure.faults.ledger.Generator;
import dev.perdure.faults.ledger.LedgerTables;
import dev.perdure.faults.ledger.Starter;
import dev.perdure.faults.world.World;
import dev.perdure.testing.WorkerProcess;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.awaitility.Awaitility;

/**
 * The leader goes while the transaction of one of its steps sits in COMMIT, where no timeout ends it: a deferred trigger of the
 * submitter defers itself again. The backend does not notice that the leader is gone, and commits at last.
 */
public final class SlowCommit implements Scenario {

    private record End(String name, Consumer<WorkerProcess> how) {}

    private static final int SECONDS = 12;
    private static final String IN_COMMIT = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'perdure-step'"
            + " AND state = 'active' AND query = 'COMMIT' AND wait_event = 'PgSleep'";

    private static final List<End> ENDS = List.of(
            new End("SIGKILL", WorkerProcess::kill),
            new End("SIGTERM", WorkerProcess::terminate),
            new End("SIGSTOP", WorkerProcess::freeze));

    @Override
    public String name() {
        return "slow-commit";
    }

    @Override
    public String promise() {
        return "a transaction of the old term that sits in COMMIT delays its own instance alone, and is done once";
    }

    @Override
    public Verdict run(Session session) throws Exception {
        StringBuilder figures = new StringBuilder();
        try (World world = World.create()) {
            for (End end : ENDS.subList(0, session.size(2, 3))) {
                world.startWorkers(2 - world.workers().all().size());
                Starter starter = new Starter(world.book(), LedgerTables.APP);
                try (Connection app = world.server().connect(LedgerTables.APP)) {
                    starter.start(app, Generator.slowCommit(SECONDS));
                    world.awaitNumber(IN_COMMIT, 1);
                    WorkerProcess leader = world.workers().leader();
                    long before = System.nanoTime();
                    end.how().accept(leader);
                    for (int i = 0; i < 10; i++) {
                        starter.start(app, Generator.chain(3, 0));
                        starter.start(app, Generator.waiting(i, 0));
                    }
                    Awaitility.await("all other instances have ended")
                            .atMost(World.PATIENCE)
                            .pollInterval(Duration.ofMillis(20))
                            .until(() -> world.unfinished() <= 1);
                    long millis = (System.nanoTime() - before) / 1_000_000;
                    boolean isThere = world.number(IN_COMMIT) > 0;
                    figures.append(String.format(
                            "%n    %s: others ended after %d ms%s",
                            end.name(), millis, isThere ? "" : ", when the commit was over"));
                    if (!isThere && end.name().equals("SIGKILL")) {
                        return Verdict.empty("the commit was over before the others had ended" + figures);
                    }
                    if (end.name().equals("SIGSTOP")) {
                        leader.thaw();
                    } else {
                        leader.awaitEnd();
                        world.workers().ended(leader);
                    }
                }
                Verdict verdict = Verdict.of(world.settle(), end.name());
                if (verdict.kind() != Verdict.Kind.PASSED) {
                    return verdict;
                }
            }
        }
        return Verdict.passed("one instance in COMMIT for " + SECONDS + " s" + figures);
    }
}
