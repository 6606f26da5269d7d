package dev.perdure.faults.scenario;

import dev.perdure.faults.FaultSuite;
import dev.perdure.faults.Scenario;
import dev.perdure.faults.Session;
import dev.perdure.faults.Verdict;
import dev.perdure.faults.ledger.Generator;
import dev.perdure.faults.ledger.LedgerTables;
import dev.perdure.faults.ledger.Starter;
import dev.perdure.faults.ledger.Violation;
import dev.perdure.faults.world.OwnNetwork;
import dev.perdure.faults.world.Workers;
import dev.perdure.faults.world.World;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;

/**
 * Packets of sessions that exist are dropped for good, in both directions and without a reset, as by a firewall that has forgotten them;
 * new sessions get through. Neither side is told: what finds out is TCP's own questions and the worker's own clocks.
 */
public final class SilentNetwork implements Scenario {

    private static final long TARGET_SECONDS = Long.getLong("faults.target.silence", 60);

    /**
     * Which sessions.
     *
     * @param condition on pg_stat_activity
     * @param idle whether they have nothing to do when it happens, and get it afterwards
     */
    private record Lost(String name, String condition, boolean idle) {}

    /** The short form tries the first one. */
    private static final List<Lost> CASES = List.of(
            new Lost("idle steps", "application_name = 'perdure-step'", true),
            new Lost("all", "application_name <> 'faults'", false),
            new Lost("steps", "application_name = 'perdure-step'", false),
            new Lost("all but steps", "application_name NOT IN ('perdure-step', 'faults')", false),
            new Lost("all, idle", "application_name <> 'faults'", true));

    @Override
    public String name() {
        return "silent-network";
    }

    @Override
    public String promise() {
        return "work goes on when the network loses what sessions carry without a word, and nothing is lost or doubled";
    }

    @Override
    public Verdict run(Session session) throws Exception {
        if (OwnNetwork.isHere()) {
            return inOwnNetwork(session);
        }
        if (!OwnNetwork.isPossible()) {
            return Verdict.skipped("it needs Linux, root, unshare and iptables");
        }
        String last = OwnNetwork.run(
                FaultSuite.class,
                List.of(
                        "faults.only=" + name(),
                        "faults.seed=" + session.seed(),
                        "faults.form=" + (session.longForm() ? "long" : "short")));
        return last.startsWith("All promises were kept")
                ? Verdict.passed("in a network of its own, see above")
                : Verdict.failed("in a network of its own, see above: " + last);
    }

    private Verdict inOwnNetwork(Session session) throws Exception {
        StringBuilder figures = new StringBuilder();
        boolean slow = false;
        List<Violation> violations = new ArrayList<>();
        try (World world = World.create();
                // Past the proxy: its own kernel would answer for the other side.
                Workers workers = new Workers(
                        world.server().url("df_worker"), "perdure.http.allow=" + world.service().substring("http://".length()))) {
            workers.start();
            workers.start();
            for (Lost lost : CASES.subList(0, session.size(1, CASES.size()))) {
                for (int i = 0; i < session.size(1, 4); i++) {
                    workers.leader();
                    workers.awaitReady();
                    long millis = once(world, lost, session);
                    slow |= millis > TARGET_SECONDS * 1000;
                    String text = String.format("%s: all had ended after %d ms", lost.name(), millis);
                    System.out.println("  " + text);
                    figures.append("\n    ").append(text);
                    violations.addAll(world.settle());
                    OwnNetwork.flow();
                }
            }
        }
        String text = "aim " + TARGET_SECONDS + " s" + figures;
        return slow && violations.isEmpty() ? Verdict.failed("too slow: " + text) : Verdict.of(violations, text);
    }

    private static long once(World world, Lost lost, Session session) throws Exception {
        Starter starter = new Starter(world.book(), LedgerTables.APP);
        Generator generator = new Generator(session.random(lost.name()), world.service());
        try (Connection app = world.server().connect(LedgerTables.APP)) {
            if (lost.idle()) {
                start(starter, generator, app, 2);
                awaitEnd(world);
            } else {
                long before = world.effects();
                start(starter, generator, app, 60);
                world.awaitNumber("SELECT count(*) FROM app.effects", before + 20);
            }
            List<Integer> ports = ports(world, lost.condition());
            OwnNetwork.drop(world.server().port(), ports);
            long begin = System.nanoTime();
            System.out.printf("  %s: %d sessions are silent%n", lost.name(), ports.size());
            if (lost.idle()) {
                start(starter, generator, app, 60);
            }
            awaitEnd(world);
            return (System.nanoTime() - begin) / 1_000_000;
        }
    }

    private static void start(Starter starter, Generator generator, Connection app, int steps) throws SQLException {
        for (int i = 0; i < 12; i++) {
            starter.start(app, Generator.chain(steps, 0.02));
            starter.start(app, generator.workflow());
            starter.start(app, generator.ofOwner());
        }
    }

    private static void awaitEnd(World world) {
        Awaitility.await("all instances have ended")
                .atMost(World.PATIENCE)
                .pollInterval(Duration.ofMillis(50))
                .ignoreExceptionsMatching(SQLException.class::isInstance)
                .until(() -> world.unfinished() == 0);
    }

    private static List<Integer> ports(World world, String condition) throws SQLException {
        List<Integer> ports = new ArrayList<>();
        try (Connection connection = world.server().connect("postgres");
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(
                        "SELECT client_port FROM pg_stat_activity WHERE client_port > 0 AND " + condition)) {
            while (rows.next()) {
                ports.add(rows.getInt(1));
            }
        }
        return ports;
    }
}
