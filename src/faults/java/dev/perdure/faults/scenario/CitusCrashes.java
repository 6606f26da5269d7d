package dev.perdure.faults.scenario;

import dev.perdure.faults.Scenario;
import dev.perdure.faults.Session;
import dev.perdure.faults.Verdict;
import dev.perdure.faults.ledger.CitusLedger;
import dev.perdure.faults.world.Workers;
import dev.perdure.faults.world.World;
import dev.perdure.testing.CitusCluster;
import dev.perdure.testing.CitusNode;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;

/**
 * Immediate shutdowns of the coordinator of Citus and of its nodes, in turn, while steps write to one shard and to many. {@code
 * -Dfaults.citus.without=true} takes away what makes their transactions ones of two phases: then effects are doubled.
 */
public final class CitusCrashes implements Scenario {

    private static final int STARTERS = 3;
    private static final long MOST_UNFINISHED = 150;
    private static final boolean WITHOUT = Boolean.getBoolean("faults.citus.without");
    /** Of all nodes once, in the long form. */
    private static final Duration AWAY = Duration.ofSeconds(60);

    private final AtomicInteger number = new AtomicInteger();
    private final AtomicInteger lostSessions = new AtomicInteger();
    private final AtomicBoolean isOver = new AtomicBoolean();
    private volatile boolean isCrowded;

    @Override
    public String name() {
        return "citus";
    }

    @Override
    public String promise() {
        return "what steps write on nodes of Citus happens once, and so do starts and signals beside such a write";
    }

    @Override
    public Verdict run(Session session) throws Exception {
        if (!CitusCluster.isThere()) {
            return Verdict.skipped(CitusCluster.missing());
        }
        int wanted = Integer.getInteger("faults.citus.instances", session.size(600, 6_000));
        int crashes = Integer.getInteger("faults.citus.crashes", session.size(4, 20));
        try (CitusCluster cluster = CitusCluster.create().orElseThrow();
                Workers workers = new Workers(cluster.url(PostgresServer.OWNER))) {
            CitusLedger.create(cluster);
            workers.start();
            workers.start();
            workers.leader();
            if (WITHOUT) {
                cluster.execute(PostgresServer.OWNER, "CREATE OR REPLACE FUNCTION df._in_two_phases() RETURNS text LANGUAGE sql AS 'SELECT NULL::text'");
            }
            List<Thread> starters = starters(cluster);
            String faults = crash(cluster, workers, session, wanted, crashes);
            isOver.set(true);
            for (Thread starter : starters) {
                starter.join();
            }
            return verdict(cluster, faults);
        }
    }

    private List<Thread> starters(CitusCluster cluster) {
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < STARTERS; i++) {
            Thread thread = new Thread(() -> startAll(cluster), "starter " + i);
            thread.start();
            threads.add(thread);
        }
        return threads;
    }

    private void startAll(CitusCluster cluster) {
        while (!isOver.get()) {
            try (Connection session = cluster.url(CitusLedger.APP).connect()) {
                while (!isOver.get()) {
                    if (isCrowded) {
                        TimeUnit.MILLISECONDS.sleep(50);
                    } else {
                        CitusLedger.start(session, number.incrementAndGet());
                    }
                }
            } catch (SQLException e) {
                // Whether its last transaction was committed is looked up in the end, in the tables.
                lostSessions.incrementAndGet();
                pause(100);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private String crash(CitusCluster cluster, Workers workers, Session session, int wanted, int crashes) {
        RandomGenerator random = session.random("citus");
        int[] done = new int[cluster.nodes().size()];
        int killed = 0;
        long last = System.nanoTime();
        int made = 0;
        while (made < crashes || instances(cluster) < wanted) {
            await(cluster);
            if (made >= crashes || System.nanoTime() - last < TimeUnit.MILLISECONDS.toNanos(2_000 + random.nextInt(4_000))) {
                pause(100);
                continue;
            }
            // The coordinator every other time.
            int which = made % 2 == 0 ? 0 : 1 + made / 2 % (done.length - 1);
            CitusNode node = cluster.nodes().get(which);
            if (made % 5 == 3) {
                // Its leader is gone as well.
                workers.findLeader().ifPresent(workers::kill);
                workers.start();
                killed++;
            }
            node.crash();
            boolean isLong = session.longForm() && which > 0 && done[which] == 0;
            pause(isLong ? AWAY.toMillis() : random.nextInt(2_000));
            node.start();
            done[which]++;
            made++;
            System.out.printf("  crash %d: %s%s, %d instances%n", made, which == 0 ? "the coordinator" : "node " + which,
                    isLong ? ", away for " + AWAY.toSeconds() + " s" : "", instances(cluster));
            last = System.nanoTime();
        }
        StringBuilder text = new StringBuilder("coordinator shut down " + done[0] + " times");
        for (int i = 1; i < done.length; i++) {
            text.append(", node ").append(i).append(' ').append(done[i]).append(" times");
        }
        return text + ", a leader killed " + killed + " times";
    }

    /** How many there are; keeps those that start from running ahead. */
    private long instances(CitusCluster cluster) {
        try (Connection session = cluster.url("postgres").connect()) {
            return Long.parseLong(String.valueOf(TestDatabase.rows(session, "SELECT count(*) FROM df.instances")
                    .get(0)
                    .get(0)));
        } catch (SQLException e) {
            return 0;
        }
    }

    private void await(CitusCluster cluster) {
        try {
            isCrowded = Long.parseLong(String.valueOf(cluster.value(
                            "postgres", "SELECT count(*) FROM df.instances WHERE status IN ('pending', 'running')")))
                    > MOST_UNFINISHED;
        } catch (SQLException e) {
            isCrowded = true;
        }
    }

    private Verdict verdict(CitusCluster cluster, String faults) throws SQLException {
        try {
            Awaitility.await("all instances have ended")
                    .atMost(World.PATIENCE)
                    .pollInterval(Duration.ofMillis(200))
                    .ignoreExceptionsMatching(SQLException.class::isInstance)
                    .until(() -> nothingIsLeft(cluster));
        } catch (ConditionTimeoutException e) {
            System.out.println("  something still runs, or is still prepared on a node");
        }
        try (Connection superuser = cluster.url("postgres").connect()) {
            CitusLedger.Found found = CitusLedger.check(superuser);
            TestDatabase.rows(
                            superuser,
                            "SELECT id, label, status, output FROM df.instances WHERE status <> 'completed' LIMIT 5")
                    .forEach(row -> System.out.println("  " + row));
            String text = found.text() + "; " + faults + "; " + lostSessions.get() + " sessions lost by those who start"
                    + (WITHOUT ? "; WITHOUT two phases" : "");
            return found.isRight() ? Verdict.passed(text) : Verdict.failed(text);
        }
    }

    private boolean nothingIsLeft(CitusCluster cluster) throws SQLException {
        cluster.execute(
                PostgresServer.OWNER, "SELECT df.resume(instance_id) FROM df._tries WHERE set_aside_at IS NOT NULL");
        try (Connection session = cluster.url(CitusLedger.APP).connect()) {
            if (CitusLedger.tellTheOthers(session) > 0) {
                return false;
            }
        }
        cluster.asSuperuser("SELECT recover_prepared_transactions()");
        for (CitusNode node : cluster.nodes()) {
            if (!node.rows(cluster.database(), "SELECT FROM pg_prepared_xacts WHERE database = current_database()")
                    .isEmpty()) {
                return false;
            }
        }
        return "0".equals(cluster.value("postgres", "SELECT count(*) FROM df.instances WHERE status IN ('pending', 'running')"));
    }

    private static void pause(long millis) {
        try {
            TimeUnit.MILLISECONDS.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
