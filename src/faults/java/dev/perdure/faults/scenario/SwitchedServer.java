package dev.perdure.faults.scenario;

import dev.perdure.faults.Scenario;
import dev.perdure.faults.Session;
import dev.perdure.faults.Verdict;
import dev.perdure.faults.ledger.ActivityPrograms;
import dev.perdure.faults.ledger.Book;
import dev.perdure.faults.ledger.Checker;
import dev.perdure.faults.ledger.LedgerTables;
import dev.perdure.faults.ledger.Starter;
import dev.perdure.faults.ledger.Violation;
import dev.perdure.faults.world.Server;
import dev.perdure.faults.world.Traces;
import dev.perdure.faults.world.World;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;

/**
 * An older copy of the database comes up under a running worker, at the address of the original, which lives on: new
 * connections reach the copy, old ones the original. No step may run on one server because of what the other one's tables
 * say.
 */
public final class SwitchedServer implements Scenario {

    @Override
    public String name() {
        return "clone";
    }

    @Override
    public String promise() {
        return "a server that was restored or cloned never meets memory of its former self";
    }

    @Override
    public Verdict run(Session session) throws Exception {
        try (World world = World.create()) {
            world.startWorkers(2);
            Crowd crowd = Crowd.withoutRequests(world, 100).join(LedgerTables.APP, session.random("clone"));
            world.awaitNumber("SELECT count(*) FROM app.effects", session.size(200, 2000));
            crowd.stop();

            // The copy is of a moment in the middle of everything.
            world.server().crash();
            Path folder = world.folder().resolve("copy");
            world.server().copyTo(folder);
            world.server().restart();
            Book before = world.book().copy();

            world.workers().leader();
            Crowd second = Crowd.withoutRequests(world, 100).join(LedgerTables.APP, session.random("clone 2"));
            long effects = world.effects();
            world.awaitNumber("SELECT count(*) FROM app.effects", effects + 100);
            try (Server copy = world.server().startCopy(folder);
                    ActivityPrograms programs = new ActivityPrograms(copy::connect, 2)) {
                world.proxy().retarget(copy.port());
                // Sessions end one after the other and are made anew, on the other server.
                for (int i = 0; i < 20; i++) {
                    world.proxy().resetSome(session.random("clone " + i), 0.2);
                    TimeUnit.MILLISECONDS.sleep(100);
                }
                second.stop();
                world.proxy().resetSome(session.random("all"), 2);
                List<Violation> violations = new ArrayList<>(finish(copy, before));
                long onCopy = count(copy);

                world.proxy().retarget(world.server().port());
                world.proxy().resetSome(session.random("back"), 2);
                violations.addAll(world.settle());
                return Verdict.of(
                        violations,
                        String.format(
                                "%d effects on the original, %d on the copy; there %s",
                                world.effects(), onCopy, programs.figures()));
            }
        }
    }

    private static List<Violation> finish(Server server, Book book) throws SQLException {
        try {
            Awaitility.await("all instances of the copy have ended")
                    .atMost(World.PATIENCE)
                    .ignoreExceptionsMatching(SQLException.class::isInstance)
                    .until(() -> redrive(server, book) == 0 && resume(server) == 0 && unfinished(server) == 0);
        } catch (ConditionTimeoutException e) {
            System.out.println("  after " + World.PATIENCE.toSeconds() + " s something still runs on the copy; the checker says what");
        }
        try (Connection connection = server.connect("postgres")) {
            List<Violation> violations = Checker.check(connection, book);
            for (Violation violation : violations.subList(0, Math.min(3, violations.size()))) {
                Traces.print(connection, violation.instance());
            }
            return violations;
        }
    }

    /** What had failed when the copy was made, or fails on it, has to be redriven there too. */
    private static int redrive(Server server, Book book) throws SQLException {
        try (Connection connection = server.connect("postgres")) {
            return Starter.redriveAll(connection, book);
        }
    }

    /** Terms that end again and again, since sessions are reset, look like the doing of what they worked on. */
    private static long resume(Server server) throws SQLException {
        return number(server, "df_worker", "SELECT count(df.resume(instance_id)) FROM df._tries WHERE set_aside_at IS NOT NULL");
    }

    private static long unfinished(Server server) throws SQLException {
        return number(
                server,
                "SELECT count(*) FROM df.instances WHERE status IN ('pending', 'running')"
                        + " OR status = 'cancelled' AND output IS NULL");
    }

    private static long count(Server server) throws SQLException {
        return number(server, "SELECT count(*) FROM app.effects");
    }

    private static long number(Server server, String sql) throws SQLException {
        return number(server, "postgres", sql);
    }

    private static long number(Server server, String role, String sql) throws SQLException {
        try (Connection connection = server.connect(role);
                var statement = connection.createStatement();
                var row = statement.executeQuery(sql)) {
            row.next();
            return row.getLong(1);
        }
    }
}
