package dev.perdure.faults.scenario;

import dev.perdure.faults.Scenario;
import dev.perdure.faults.Session;
import dev.perdure.faults.Verdict;
import dev.perdure.faults.ledger.LedgerTables;
import dev.perdure.faults.world.World;
import dev.perdure.testing.WorkerProcess;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/** Schedules that have hours to catch up on, while the leader is killed, frozen or told to end, again and again. */
public final class Schedules implements Scenario {

    private static final int SCHEDULES = 12;
    private static final int MINUTES = 130;

    @Override
    public String name() {
        return "schedules";
    }

    @Override
    public String promise() {
        return "each planned time has one row, and each row that says so one instance, which runs once";
    }

    @Override
    public Verdict run(Session session) throws Exception {
        RandomGenerator random = session.random("schedules");
        int rounds = session.size(4, 40);
        try (World world = World.create();
                Connection app = world.server().connect(LedgerTables.APP);
                Statement statement = app.createStatement()) {
            statement.execute("CREATE TABLE app.planned (schedule text, at timestamptz)");
            for (int round = 0; round < rounds; round++) {
                world.startWorkers(2 - world.workers().all().size());
                statement.execute("SELECT df.create_schedule('r" + round + "_' || g, '* * * * *',"
                        + " 'INSERT INTO app.planned VALUES (''r" + round + "_' || g || ''', ''{sys_planned_at}'')',"
                        + " overlap => 'allow', catch_up => '1 day') FROM generate_series(1, " + SCHEDULES + ") AS g");
                makeLate(world, round);
                // It looks once a second: before, in the middle of what it writes, or while all of that runs.
                TimeUnit.MILLISECONDS.sleep(random.nextInt(3_000));
                end(world, random.nextInt(3));
            }
            world.startWorkers(2 - world.workers().all().size());
            world.awaitNumber(
                    "SELECT count(*) FROM (SELECT FROM df._schedule_runs GROUP BY schedule_id HAVING count(*) > " + MINUTES + ") AS s",
                    (long) rounds * SCHEDULES);
            statement.execute("SELECT df.pause_schedule(name, 'enough') FROM df.schedules");
            letAllEnd(world);
            return verdict(world, rounds);
        }
    }

    /** The book knows nothing of what schedules start: the rows of the scenario are what is checked. */
    private static void letAllEnd(World world) throws SQLException {
        try (Connection owner = world.server().connect("df_worker");
                Statement statement = owner.createStatement()) {
            statement.execute("SELECT df.resume(instance_id) FROM df._tries WHERE set_aside_at IS NOT NULL");
        }
        world.awaitNumber("SELECT CASE WHEN EXISTS (SELECT FROM df.instances WHERE status IN ('pending', 'running')) THEN 0 ELSE 1 END", 1);
    }

    private static void makeLate(World world, int round) throws SQLException {
        try (Connection owner = world.server().connect("df_worker");
                Statement statement = owner.createStatement()) {
            statement.execute("UPDATE df._schedules SET next_at = date_trunc('minute', now()) - interval '" + MINUTES
                    + " minutes', due_at = now() WHERE name LIKE 'r" + round + "\\_%'");
        }
    }

    private static void end(World world, int how) throws InterruptedException {
        WorkerProcess leader = world.workers().leader();
        switch (how) {
            case 0 -> leader.kill();
            case 1 -> leader.terminate();
            default -> {
                leader.freeze();
                TimeUnit.SECONDS.sleep(9);
                leader.thaw();
                return;
            }
        }
        leader.awaitEnd();
        world.workers().ended(leader);
    }

    private static Verdict verdict(World world, int rounds) throws SQLException {
        String started = "FROM df.schedule_runs r WHERE r.outcome = 'started'";
        String gaps = "SELECT count(*) FROM (SELECT count(*) - 1 - extract(epoch FROM max(planned_at) - min(planned_at)) / 60 AS gap"
                + " FROM df.schedule_runs GROUP BY schedule) AS g WHERE gap <> 0";
        long without = world.number("SELECT count(*) " + started + " AND (SELECT count(*) FROM app.planned p WHERE p.schedule = r.schedule AND p.at = r.planned_at) <> 1");
        long more = world.number("SELECT (SELECT count(*) FROM app.planned) - (SELECT count(*) " + started + ")");
        long instances = world.number("SELECT (SELECT count(*) FROM df.instances) - (SELECT count(DISTINCT r.instance_id) " + started + ")");
        long left = world.number(gaps);
        long all = world.number("SELECT count(*) " + started);
        String text = String.format(
                "%d rounds, %d runs; runs without exactly one effect: %d; effects without a run: %d; instances without a run: %d;"
                        + " schedules with a time left out: %d",
                rounds, all, without, more, instances, left);
        return without == 0 && more == 0 && instances == 0 && left == 0 ? Verdict.passed(text) : Verdict.failed(text);
    }
}
