package dev.perdure.faults.scenario;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.faults.Scenario;
import dev.perdure.faults.Session;
import dev.perdure.faults.Verdict;
import dev.perdure.faults.world.Folders;
import dev.perdure.faults.world.World;
import dev.perdure.testing.WorkerProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/**
 * Four databases, each on a server of its own, and two workers that serve all of them. FleetMember database is broken in each way, while each of
 * the others is given as much work as before: how much of it is done, and how long an instance takes.
 */
public final class Fleet implements Scenario {

    private static final String[] NAMES = {"default", "second", "third", "fourth"};
    private static final double TOLERANCE = 0.1;

    @Override
    public String name() {
        return "fleet";
    }

    @Override
    public String promise() {
        return "whatever one of four databases does, the three others get done what they are given, and nothing is lost or doubled";
    }

    /** A way to break a database. */
    private record Way(String name, Act begin, Act end) {}

    private interface Act {
        void on(FleetMember database) throws Exception;
    }

    private static List<Way> ways() {
        return List.of(
                new Way("frozen network", one -> one.proxy.stall(true, true), one -> one.proxy.flow()),
                new Way("cut off", one -> one.proxy.cut(), one -> one.proxy.letIn()),
                new Way("server killed", one -> one.server.crash(), one -> one.server.restart()),
                new Way(
                        "login refused",
                        one -> one.execute("ALTER ROLE df_worker NOLOGIN", FleetMember.END_SESSIONS),
                        one -> one.execute("ALTER ROLE df_worker LOGIN")),
                new Way(
                        "read only",
                        one -> one.execute(
                                "ALTER ROLE df_worker SET default_transaction_read_only = on",
                                "ALTER ROLE app SET default_transaction_read_only = on",
                                FleetMember.END_SESSIONS),
                        one -> one.execute(
                                "ALTER ROLE df_worker RESET default_transaction_read_only",
                                "ALTER ROLE app RESET default_transaction_read_only",
                                FleetMember.END_SESSIONS)),
                new Way("tables locked", FleetMember::lock, FleetMember::release),
                new Way(
                        "commits wait",
                        one -> one.execute(
                                "ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()"),
                        one -> one.execute(
                                "SET synchronous_commit = local",
                                "ALTER SYSTEM RESET synchronous_standby_names",
                                "SELECT pg_reload_conf()")),
                new Way("disk full", FleetMember::fill, FleetMember::empty),
                new Way("restored from before", FleetMember::restore, one -> {}),
                new Way("no connections left", FleetMember::exhaust, FleetMember::release));
    }

    @Override
    public Verdict run(Session session) throws Exception {
        Path folder = Files.createTempDirectory("perdure-fleet");
        List<FleetMember> all = new ArrayList<>();
        List<WorkerProcess> workers = new ArrayList<>();
        try {
            for (String name : NAMES) {
                all.add(new FleetMember(name, folder));
            }
            String[] settings = new String[NAMES.length];
            for (int i = 1; i < NAMES.length; i++) {
                settings[i - 1] = "perdure.databases." + NAMES[i] + ".url=" + all.get(i).url();
            }
            settings[NAMES.length - 1] = "perdure.leader.spread-interval=10s";
            for (int i = 0; i < 2; i++) {
                workers.add(WorkerProcess.start(DatabaseUrl.parse(all.get(0).url()), settings));
            }
            String spread = awaitSpread(workers);
            all.forEach(one -> one.starter.start());
            return measure(session, all, workers, spread);
        } finally {
            workers.forEach(WorkerProcess::close);
            all.forEach(FleetMember::close);
            Folders.delete(folder);
        }
    }

    private static String awaitSpread(List<WorkerProcess> workers) {
        long began = System.nanoTime();
        Awaitility.await("two databases each")
                .atMost(World.PATIENCE)
                .ignoreExceptionsMatching(IOException.class::isInstance)
                .until(() -> workers.get(0).led() == 2 && workers.get(1).led() == 2);
        return "each of two workers led two of four databases after %d s"
                .formatted((System.nanoTime() - began) / 1_000_000_000);
    }

    private static Verdict measure(Session session, List<FleetMember> all, List<WorkerProcess> workers, String spread)
            throws Exception {
        int seconds = session.size(10, 30);
        StringBuilder text = new StringBuilder(spread);
        List<String> bad = new ArrayList<>();
        TimeUnit.SECONDS.sleep(seconds + 5);
        int turn = 0;
        for (Way way : ways()) {
            FleetMember broken = all.get(turn++ % all.size());
            List<FleetMember> others = all.stream().filter(one -> one != broken).toList();
            awaitNothingWaits(all);
            TimeUnit.SECONDS.sleep(seconds);
            long[] before = sums(others, seconds);
            way.begin().on(broken);
            try {
                TimeUnit.SECONDS.sleep(seconds + 2);
                long[] during = sums(others, seconds);
                double ratio = (double) during[0] / before[0];
                boolean ready = workers.stream().allMatch(worker -> worker.health("ready") == 200);
                text.append(String.format(
                        Locale.ROOT,
                        "%n    %-20s %-8s the others: %.1f instances/s before, %.1f while it was broken: %.2f; nine of ten took up to %d ms, %d ms%s",
                        way.name().equals("disk full") && broken.disk == null ? "(no small disk)" : way.name(),
                        broken.name,
                        (double) before[0] / seconds,
                        (double) during[0] / seconds,
                        ratio,
                        before[1],
                        during[1],
                        ready ? "" : "; a worker was not ready"));
                if (ratio < 1 - TOLERANCE || !ready) {
                    bad.add(way.name());
                }
            } finally {
                way.end().on(broken);
            }
            long began = System.nanoTime();
            long mark = Awaitility.await("the server answers")
                    .atMost(World.PATIENCE)
                    .ignoreExceptionsMatching(SQLException.class::isInstance)
                    .until(
                            () -> broken.number("SELECT count(*) FROM df.instances WHERE status = 'completed'"),
                            count -> count >= 0);
            Awaitility.await(way.name() + ": " + broken.name + " works again")
                    .atMost(World.PATIENCE)
                    .ignoreExceptionsMatching(SQLException.class::isInstance)
                    .until(() ->
                            broken.number("SELECT count(*) FROM df.instances WHERE status = 'completed'") > mark + FleetMember.RATE);
            text.append(String.format("; back after %d ms", (System.nanoTime() - began) / 1_000_000));
        }
        for (WorkerProcess worker : workers) {
            text.append(size(worker));
        }
        for (FleetMember one : all) {
            text.append(String.format(
                    "%n    %s: %d connections of workers",
                    one.name, one.number("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'perdure%'")));
        }
        all.forEach(one -> one.paused = true);
        for (FleetMember one : all) {
            // Terms that end with a database, one after the other, look like the doing of what was worked on.
            one.execute("SELECT df.resume(instance_id) FROM df._tries WHERE set_aside_at IS NOT NULL");
            Awaitility.await(one.name + " is done")
                    .atMost(World.PATIENCE)
                    .ignoreExceptionsMatching(SQLException.class::isInstance)
                    .until(() -> one.number(
                                    "SELECT count(*) FROM df.instances WHERE status IN ('pending', 'running')")
                            == 0);
            check(one, bad, text);
        }
        return bad.isEmpty()
                ? Verdict.passed(text.toString())
                : Verdict.failed(String.join(", ", bad) + ": " + text);
    }

    /** What a broken database could not do is done. */
    private static void awaitNothingWaits(List<FleetMember> all) {
        for (FleetMember one : all) {
            Awaitility.await(one.name + " has done what had waited")
                    .atMost(World.PATIENCE)
                    .ignoreExceptionsMatching(SQLException.class::isInstance)
                    .until(() -> one.number("SELECT count(*) FROM df.instances WHERE status IN ('pending', 'running')")
                            < FleetMember.RATE);
        }
    }

    /** Memory and threads of a worker that leads some of the databases. */
    private static String size(WorkerProcess worker) throws IOException, InterruptedException {
        List<String> status = Files.readAllLines(Path.of("/proc", Long.toString(worker.pid()), "status"));
        return status.stream()
                .filter(line -> line.startsWith("VmRSS") || line.startsWith("Threads"))
                .map(line -> line.replaceAll("\\s+", " "))
                .reduce(String.format("%n    a worker that leads %d:", worker.led()), (a, b) -> a + " " + b);
    }

    /** Of several databases together: instances, and the longest time of nine of ten. */
    private static long[] sums(List<FleetMember> databases, int seconds) throws SQLException {
        long[] sums = new long[2];
        for (FleetMember one : databases) {
            long[] done = one.done(seconds);
            sums[0] += done[0];
            sums[1] = Math.max(sums[1], done[1]);
        }
        return sums;
    }

    private static void check(FleetMember one, List<String> bad, StringBuilder text) throws SQLException {
        long instances = one.number("SELECT count(*) FROM df.instances");
        long failed = one.number("SELECT count(*) FROM df.instances WHERE status <> 'completed'");
        long doubled =
                one.number("SELECT count(*) FROM (SELECT FROM app.fleet GROUP BY instance, step HAVING count(*) > 1) t");
        long lost = instances * FleetMember.STEPS
                - one.number("SELECT count(*) FROM (SELECT DISTINCT instance, step FROM app.fleet) t");
        text.append(String.format(
                "%n    %s: %d instances, %d not completed, %d steps lost, %d doubled",
                one.name, instances, failed, lost, doubled) + (one.isRestored ? ", since it was restored" : ""));
        if (!one.isRestored && instances < one.started || failed > 0 || lost != 0 || doubled > 0) {
            bad.add(one.name + " is not as it must be");
        }
    }
}
