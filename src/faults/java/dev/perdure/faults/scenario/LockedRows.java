package dev.perdure.faults.scenario;

import dev.perdure.faults.Scenario;
import dev.perdure.faults.Session;
import dev.perdure.faults.Verdict;
import dev.perdure.faults.ledger.Generator;
import dev.perdure.faults.ledger.LedgerTables;
import dev.perdure.faults.ledger.Starter;
import dev.perdure.faults.world.World;
import dev.perdure.testing.WorkerProcess;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/**
 * A transaction of the submitter locks the rows of instances, of its own, before the leader is killed and for a while after: what
 * their steps, timers, signals and failures need. Those of another role must not notice; others of the same role wait for slots of it.
 */
public final class LockedRows implements Scenario {

    private static final int LOCKED = 24;
    private static final String OTHERS = "SELECT count(*) FROM df.instances WHERE status IN ('pending', 'running')"
            + " AND id NOT IN (SELECT instance FROM watch.locked)";

    @Override
    public String name() {
        return "locked-rows";
    }

    @Override
    public String promise() {
        return "who locks the rows of own instances during a take-over delays no other role";
    }

    @Override
    public Verdict run(Session session) throws Exception {
        try (World world = World.create();
                Connection app = world.server().connect(LedgerTables.APP);
                Connection other = world.server().connect(LedgerTables.ASYNC);
                Connection locker = world.server().connect(LedgerTables.APP);
                Statement lock = locker.createStatement()) {
            world.server()
                    .asSuperuser("CREATE TABLE watch.locked AS SELECT id AS instance FROM df.instances;"
                            + " GRANT USAGE ON SCHEMA watch TO public; GRANT INSERT ON watch.locked TO public");
            world.startWorkers(2);
            Starter starter = new Starter(world.book(), LedgerTables.APP);
            for (int i = 0; i < LOCKED; i++) {
                starter.start(app, i % 2 == 0 ? Generator.waiting(i / 2, 1) : Generator.chain(5, 0.5));
            }
            lock.execute("INSERT INTO watch.locked SELECT id FROM df.instances WHERE status IN ('pending', 'running')");
            locker.setAutoCommit(false);
            lock.execute("SELECT FROM df.instances WHERE status IN ('pending', 'running') FOR UPDATE");
            WorkerProcess leader = world.workers().leader();
            long before = System.nanoTime();
            world.workers().kill(leader);
            Starter ofAnother = new Starter(world.book(), LedgerTables.ASYNC);
            for (int i = 0; i < 20; i++) {
                ofAnother.start(other, i % 2 == 0 ? Generator.waiting(i / 2, 0) : Generator.chain(5, 0.01));
            }
            Awaitility.await("all instances of another role have ended")
                    .atMost(World.PATIENCE)
                    .pollInterval(Duration.ofMillis(20))
                    .until(() -> world.number(OTHERS) == 0);
            long millis = (System.nanoTime() - before) / 1_000_000;
            // Long enough that steps have met the lock more than once.
            TimeUnit.SECONDS.sleep(session.size(6, 30));
            long waiting = world.unfinished();
            locker.rollback();
            locker.setAutoCommit(true);
            if (waiting < LOCKED / 2) {
                return Verdict.empty("only " + waiting + " instances had locked rows");
            }
            return Verdict.of(
                    world.settle(),
                    String.format("%d instances with locked rows; those of another role ended after %d ms", waiting, millis));
        }
    }
}
