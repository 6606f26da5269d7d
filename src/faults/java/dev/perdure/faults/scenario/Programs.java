package dev.perdure.faults.scenario;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.faults.Scenario;
import dev.perdure.faults.Session;
import dev.perdure.faults.Verdict;
import dev.perdure.faults.fault.CrashServer;
import dev.perdure.faults.fault.CutOff;
import dev.perdure.faults.fault.EndSessions;
import dev.perdure.faults.fault.Fault;
import dev.perdure.faults.fault.FreezeLeader;
import dev.perdure.faults.fault.KillLeader;
import dev.perdure.faults.fault.ResetConnections;
import dev.perdure.faults.fault.TerminateLeader;
import dev.perdure.faults.ledger.ActivityLedger;
import dev.perdure.faults.ledger.LedgerTables;
import dev.perdure.faults.ledger.Violation;
import dev.perdure.faults.world.ClientProgram;
import dev.perdure.faults.world.World;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/**
 * Activities that processes in two languages do, while they, the workers and the server are killed, paused and cut off: what they have written is
 * compared with what is completed.
 */
public final class Programs implements Scenario {

    private static final int WORKERS = 2;
    private static final int PROGRAMS = 6;

    private final Map<String, Integer> struck = new TreeMap<>();
    private final List<ClientProgram> programs = new ArrayList<>();
    private long completed;
    private long refused;

    @Override
    public String name() {
        return "programs";
    }

    @Override
    public String promise() {
        return "what programs write and the end of their activities are one commit, whoever is killed, paused or cut off";
    }

    @Override
    public Verdict run(Session session) throws Exception {
        RandomGenerator random = session.random("programs");
        boolean hasPython = ClientProgram.hasPython();
        int maps = session.size(8, 40);
        int items = session.size(1_500, 2_000);
        try (World world = World.create()) {
            world.startWorkers(WORKERS);
            try (Connection app = world.server().connect(LedgerTables.APP)) {
                ActivityLedger.create(app);
                String late = late(world, app);
                if (late != null) {
                    return Verdict.failed(late);
                }
                for (int i = 0; i < maps; i++) {
                    ActivityLedger.startMap(app, i, items);
                }
                for (int i = 0; i < items / 20; i++) {
                    ActivityLedger.startPlain(app, i);
                }
            }
            long began = System.nanoTime();
            for (int i = 0; i < PROGRAMS; i++) {
                programs.add(start(world, i, hasPython));
            }
            List<Fault> faults = faults(hasPython);
            while (isWorkLeft(world)) {
                Fault fault = faults.get(random.nextInt(faults.size()));
                strike(world, fault, random);
                while (world.workers().all().size() < WORKERS) {
                    world.workers().start();
                }
                TimeUnit.MILLISECONDS.sleep(100 + random.nextInt(900));
            }
            List<Violation> violations = world.settle();
            long seconds = (System.nanoTime() - began) / 1_000_000_000;
            awaitNothingLeft(world);
            String figures = figures(world, maps * items + items / 20 * 3, seconds, hasPython);
            if (!violations.isEmpty()) {
                return Verdict.of(violations, figures);
            }
            List<String> wrong = check(world);
            return wrong.isEmpty()
                    ? Verdict.passed(figures)
                    : Verdict.failed(figures + "; " + wrong.size() + " wrong: "
                            + String.join("\n    ", wrong.subList(0, Math.min(20, wrong.size()))));
        } finally {
            programs.forEach(ClientProgram::close);
            programs.clear();
        }
    }

    private static ClientProgram start(World world, int number, boolean hasPython) {
        // Half of them by the way that is cut off now and then.
        DatabaseUrl direct = world.server().url(LedgerTables.APP);
        DatabaseUrl url = number / 2 % 2 == 0
                ? direct
                : direct.withHost(new DatabaseUrl.Host("127.0.0.1", world.proxy().port()));
        return hasPython && number % 2 == 0
                ? ClientProgram.inPython("program.py", url, ActivityLedger.KIND, world.folder())
                : ClientProgram.inJava(url, ActivityLedger.KIND, world.folder());
    }

    /** Somebody hangs until another one has done it, and then completes. */
    private static @Nullable String late(World world, Connection app) throws Exception {
        try (Statement statement = app.createStatement();
                Connection other = world.server().connect(LedgerTables.APP);
                Statement second = other.createStatement()) {
            String claim = "SELECT token FROM df.claim_activities('late', 1, '30 s')";
            value(statement, "SELECT df.start(df.activity('late', lease => '1 s'))");
            String hung = value(statement, claim);
            String token = value(second, claim);
            value(second, "SELECT df.complete_activity('" + token + "')");
            try {
                statement.execute("INSERT INTO app.written VALUES ('late', 1, 'late'); SELECT df.complete_activity('" + hung + "')");
                return "a program completed an activity that another one had done after its lease";
            } catch (SQLException e) {
                return "DF004".equals(e.getSQLState()) ? null : "a late program was told " + e.getMessage();
            }
        }
    }

    private static String value(Statement statement, String sql) throws SQLException {
        try (ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    private List<Fault> faults(boolean hasPython) {
        List<Fault> faults = new ArrayList<>(List.of(
                new KillLeader(),
                new TerminateLeader(),
                new FreezeLeader(),
                new EndSessions(),
                new ResetConnections(),
                new CutOff(),
                new CrashServer()));
        for (int i = 0; i < 3; i++) {
            faults.add(new Own("kill-program", (world, random) -> {
                int number = random.nextInt(programs.size());
                ClientProgram killed = programs.get(number);
                killed.close();
                count(killed);
                programs.set(number, start(world, number, hasPython));
            }));
            faults.add(new Own("pause-program", (world, random) -> {
                ClientProgram paused = programs.get(random.nextInt(programs.size()));
                paused.freeze();
                TimeUnit.MILLISECONDS.sleep(100 + random.nextInt(3900));
                paused.thaw();
            }));
            faults.add(new Own("end-sessions-of-programs", (world, random) -> world.server()
                    .asSuperuser("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE random() < 0.5 AND "
                            + ClientProgram.sessions())));
        }
        return faults;
    }

    private record Own(String name, Strike what) implements Fault {

        @FunctionalInterface
        private interface Strike {
            void at(World world, RandomGenerator random) throws Exception;
        }

        @Override
        public boolean strike(World world, RandomGenerator random) throws Exception {
            what.at(world, random);
            return true;
        }
    }

    private void strike(World world, Fault fault, RandomGenerator random) throws Exception {
        if (fault.takesWorkers()) {
            world.workers().awaitReady();
        }
        boolean tried;
        try {
            tried = fault.strike(world, random);
        } catch (SQLException e) {
            System.out.println("        broken off: " + e.getMessage());
            tried = true;
        }
        struck.merge(tried ? fault.name() : fault.name() + " (void)", 1, Integer::sum);
    }

    private void count(ClientProgram program) {
        completed += program.sum("completed");
        refused += program.sum("refused");
    }

    private boolean isWorkLeft(World world) {
        for (ClientProgram program : programs) {
            if (!program.isAlive()) {
                throw new IllegalStateException("a program has ended: " + program.lastWords());
            }
        }
        try {
            world.letSetAsideGoOn();
            return world.unfinished() > 0;
        } catch (SQLException e) {
            return true;
        }
    }

    /** Rows that a program held when its node ended are swept a moment later. */
    private static void awaitNothingLeft(World world) {
        Awaitility.await("no activity is left")
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(200))
                .ignoreExceptionsMatching(SQLException.class::isInstance)
                .until(() -> world.number("SELECT count(*) FROM df._activities") == 0);
    }

    private static List<String> check(World world) throws SQLException {
        try (Connection superuser = world.server().connect("postgres")) {
            return ActivityLedger.check(superuser);
        }
    }

    private String figures(World world, long activities, long seconds, boolean hasPython) throws SQLException {
        programs.forEach(this::count);
        return String.format(
                "%d activities in %d s, by programs in Java%s; %d rows written, of which programs heard %d; refused %d times; %d items"
                        + " failed, %d ended with their map%n    faults: %s",
                activities,
                seconds,
                hasPython ? " and Python" : " (none in Python: " + ClientProgram.whyNoPython() + ")",
                world.number("SELECT count(*) FROM app.written"),
                completed,
                refused,
                world.number("SELECT count(*) FROM df.map_items WHERE status = 'failed'"),
                world.number("SELECT count(*) FROM df.map_items WHERE status = 'cancelled'"),
                struck);
    }
}
