package dev.perdure.faults.world;

import dev.perdure.faults.ledger.ActivityPrograms;
import dev.perdure.faults.ledger.LedgerTables;
import dev.perdure.faults.ledger.PythonPrograms;
import dev.perdure.faults.ledger.Book;
import dev.perdure.faults.ledger.Checker;
import dev.perdure.faults.ledger.Starter;
import dev.perdure.faults.ledger.Violation;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.testing.WorkerProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;

/** One scenario's PostgreSQL, proxy and workers, and the book of what was started there. */
public final class World implements AutoCloseable {

    /** How long anything may take that has to happen, on a machine that others use too. */
    public static final Duration PATIENCE = Duration.ofSeconds(Long.getLong("faults.patience", 240));

    private static final AtomicLong PROGRAMS = new AtomicLong();

    private final Path folder;
    private final Server server;
    private final FaultProxy proxy;
    private final Workers workers;
    private final Book book = new Book();
    private final ActivityPrograms programs;
    private final PythonPrograms processes;
    private final CalledService service = new CalledService(book.calls());

    private World(Path folder, Server server, String[] settings) {
        this.folder = folder;
        this.server = server;
        this.proxy = new FaultProxy(server.port());
        DatabaseUrl through = DatabaseUrl.parse("postgresql://127.0.0.1:" + proxy.port() + "/")
                .withUser("df_worker", null)
                .withDatabase(server.url("df_worker").database());
        String[] all = Arrays.copyOf(settings, settings.length + 1);
        all[settings.length] = "perdure.http.allow=" + service.address();
        this.workers = new Workers(through, all);
        // Half of them by the way that is cut off now and then.
        this.programs = new ActivityPrograms(
                role -> PROGRAMS.incrementAndGet() % 2 == 0
                        ? server.connect(role)
                        : through.withUser(role, null).connect(),
                2);
        this.processes = new PythonPrograms(
                folder,
                List.of(
                        server.url(LedgerTables.APP), through.withUser(LedgerTables.ASYNC, null)));
    }

    /** What became of the programs. */
    public String programs() {
        return programs.figures() + ", " + processes.figures();
    }

    /**
     * A new world without workers.
     *
     * @param settings of its workers, such as {@code perdure.timer.window=1s}
     */
    public static World create(String... settings) {
        try {
            Path folder = Files.createTempDirectory("perdure-faults");
            Server server = Server.start(folder.resolve("postgres"));
            return new World(folder, server, settings);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Server server() {
        return server;
    }

    public FaultProxy proxy() {
        return proxy;
    }

    public Workers workers() {
        return workers;
    }

    public Book book() {
        return book;
    }

    /** What HTTP steps call. */
    public String service() {
        return "http://" + service.address();
    }

    /** A place for files, gone with the world. */
    public Path folder() {
        return folder;
    }

    /** Starts workers and waits until one leads and all are ready. */
    public void startWorkers(int count) {
        for (int i = 0; i < count; i++) {
            workers.start();
        }
        workers.leader();
        workers.all().forEach(WorkerProcess::awaitReady);
    }

    /**
     * Waits until nothing runs any more, and checks the book.
     *
     * @return what was not as it must be; instances that do not end are part of it
     */
    public List<Violation> settle() throws SQLException {
        hasAllEndedInTime();
        try (Connection connection = server.connect("postgres")) {
            List<Violation> violations = Checker.check(connection, book);
            for (Violation violation : violations.subList(0, Math.min(3, violations.size()))) {
                Traces.print(connection, violation.instance());
            }
            return violations;
        }
    }

    /**
     * Waits until nothing runs any more, also of what is in no book, such as the runs of schedules.
     *
     * @return the instances that do not end
     */
    public List<Violation> awaitAllEnded() throws SQLException {
        List<Violation> violations = new ArrayList<>();
        if (hasAllEndedInTime()) {
            return violations;
        }
        try (Connection connection = server.connect("postgres");
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(
                        "SELECT id, status FROM df.instances WHERE status IN ('pending', 'running') ORDER BY created_at LIMIT 20")) {
            while (rows.next()) {
                violations.add(new Violation(Violation.Kind.STUCK, rows.getString(1), "still " + rows.getString(2)));
            }
            for (Violation violation : violations.subList(0, Math.min(3, violations.size()))) {
                Traces.print(connection, violation.instance());
            }
        }
        return violations;
    }

    /** Whether all has ended in time; otherwise what the workers say is printed, since their logs are gone with a checkout of CI. */
    private boolean hasAllEndedInTime() {
        try {
            Awaitility.await("all instances have ended")
                    .atMost(PATIENCE)
                    .pollDelay(Duration.ZERO)
                    .pollInterval(Duration.ofMillis(100))
                    .ignoreExceptionsMatching(SQLException.class::isInstance)
                    .until(this::nothingIsLeft);
            return true;
        } catch (ConditionTimeoutException e) {
            System.out.println("  after " + PATIENCE.toSeconds() + " s something still runs; the checker says what");
            workers.all().forEach(Traces::print);
            return false;
        }
    }

    /** The leader that begins after the last fault may set something aside too. */
    private boolean nothingIsLeft() throws SQLException {
        letSetAsideGoOn();
        return redrive() == 0 && unfinished() == 0;
    }

    private int redrive() throws SQLException {
        try (Connection connection = server.connect("postgres")) {
            return Starter.redriveAll(connection, book);
        }
    }

    /** Leaders that are killed again and again within seconds look like the doing of what they worked on. */
    public void letSetAsideGoOn() throws SQLException {
        try (Connection connection = server.connect("df_worker");
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(
                        "SELECT count(df.resume(instance_id)) FROM df._tries WHERE set_aside_at IS NOT NULL")) {
            row.next();
            if (row.getLong(1) > 0) {
                System.out.println("  " + row.getLong(1) + " instances were set aside and go on");
            }
        }
    }

    /** Instances that have not ended, or were cancelled and not wound up. */
    public long unfinished() throws SQLException {
        return number("SELECT count(*) FROM df.instances WHERE status IN ('pending', 'running')"
                + " OR status = 'cancelled' AND output IS NULL");
    }

    /** How many effects there are. */
    public long effects() throws SQLException {
        return number("SELECT count(*) FROM app.effects");
    }

    /** One number, as the superuser. */
    public long number(String sql) throws SQLException {
        try (Connection connection = server.connect("postgres");
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getLong(1);
        }
    }

    /** Waits until a number, asked as the superuser, has reached a value. */
    public void awaitNumber(String sql, long atLeast) {
        Awaitility.await(sql)
                .atMost(PATIENCE)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(20))
                .ignoreExceptionsMatching(SQLException.class::isInstance)
                .until(() -> number(sql) >= atLeast);
    }

    @Override
    public void close() {
        programs.close();
        processes.close();
        workers.close();
        proxy.close();
        server.close();
        service.close();
        Folders.delete(folder);
    }
}
