package dev.perdure.docs;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.engine.InProcessWorker;
import dev.perdure.engine.telemetry.StepReport;
import dev.perdure.schema.Migration;
import dev.perdure.testing.Looks;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/**
 * Where the examples of one page run: a database of its own, a worker, and one session for each role. As in the embedded
 * server, the role {@code app} may use {@code df} and has a schema of its own. The schema {@code df} is installed and the
 * worker is started before the first block that is not the superuser's.
 */
final class Stage implements AutoCloseable {

    /** A page that prepares the server itself begins with one that has a database {@code app} and no roles of ours. */
    static final String NEW_SERVER = "a new server with a database app";

    private static final Map<String, String> ROLES =
            Map.of("", "app", "owner", PostgresServer.OWNER, "superuser", "postgres");
    private static final int TAKE_OVERS_OF_A_TERM = 5;
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Pattern PLACEHOLDER = Pattern.compile("'<id>'");
    private static final String SUBMITTER =
            """
            DO $$ BEGIN CREATE ROLE app LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
            CREATE SCHEMA app AUTHORIZATION app""";

    private final DatabaseUrl superuser;
    private final @Nullable EmbeddedPostgres ownServer;
    private final Map<String, Connection> sessions = new HashMap<>();
    private final Set<String> known = new HashSet<>();
    private final ExampleService service = new ExampleService();
    private volatile @Nullable InProcessWorker worker;
    private @Nullable ServedAnswers answers;
    private @Nullable String latest;
    private long takeOver;
    private long stepsBefore;

    private Stage(DatabaseUrl superuser, @Nullable EmbeddedPostgres ownServer) {
        this.superuser = superuser;
        this.ownServer = ownServer;
    }

    static Stage of(Optional<String> fixture) throws SQLException {
        if (fixture.isEmpty()) {
            return new Stage(PostgresServer.get().newDatabase().url("postgres"), null);
        }
        if (!fixture.get().equals(NEW_SERVER)) {
            throw new AssertionError("unknown fixture: " + fixture.get());
        }
        try {
            EmbeddedPostgres server = EmbeddedPostgres.start();
            DatabaseUrl postgres =
                    DatabaseUrl.parse("postgresql://postgres@127.0.0.1:" + server.getPort() + "/postgres");
            execute(postgres, "CREATE DATABASE app");
            return new Stage(postgres.withDatabase("app"), server);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The database of the page, for a client that logs in by itself. */
    DatabaseUrl url(String role) {
        return superuser.withUser(role, null);
    }

    /**
     * The worker loses its memory in the middle of whatever it does, once a step has ended in this term. A term in which none ends lasts
     * several times as long as the last take-over took: on a busy machine, too, a term gets somewhere. Nothing when there is no worker yet.
     */
    void disturb() {
        InProcessWorker current = worker;
        if (current == null) {
            return;
        }
        long deadline = System.nanoTime() + TAKE_OVERS_OF_A_TERM * takeOver;
        while (stepsOf(current) == stepsBefore && System.nanoTime() < deadline) {
            LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
        }
        long begin = System.nanoTime();
        current.loseMemory();
        takeOver = System.nanoTime() - begin;
        stepsBefore = stepsOf(current);
    }

    private static long stepsOf(InProcessWorker worker) {
        return Stream.of(StepReport.Outcome.values())
                .mapToLong(worker.statistics()::steps)
                .sum();
    }

    /** Runs a block and holds it to its promises. */
    void run(Page.Block block) throws SQLException {
        String role = ROLES.get(block.role());
        if (role == null) {
            throw new AssertionError(block.place() + ": unknown role of an example: " + block.role());
        }
        if (!role.equals("postgres")) {
            install();
        }
        Map<String, Example> started = new HashMap<>();
        List<String> answer = List.of();
        List<Example> examples = Example.of(block);
        for (Example example : examples) {
            answer = run(block, session(role), example);
            List<String> found = newInstances();
            for (String id : found) {
                started.put(id, example);
                latest = id;
            }
            // What was started may have started something by now.
            if (answer.size() == 1 && found.contains(answer.get(0).strip())) {
                latest = answer.get(0).strip();
            }
        }
        if (block.answer() != null) {
            List<String> promised = block.answer().lines().toList();
            Example last = examples.get(examples.size() - 1);
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            // A drawing of an instance that runs is the one of the page once it has come so far.
            while (last.sql().contains("df.explain(") && !matches(promised, answer) && System.nanoTime() < deadline) {
                LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
                answer = run(block, session(role), last);
            }
            same(block.place(), promised, answer);
        }
        for (Map.Entry<String, Example> instance : started.entrySet()) {
            await(block, instance.getKey(), instance.getValue());
        }
    }

    private List<String> run(Page.Block block, Connection session, Example example) {
        String place = block.page() + ":" + example.line();
        String sql = service.inPlaceOfLocalhost(example.sql());
        if (PLACEHOLDER.matcher(sql).find()) {
            if (latest == null) {
                throw new AssertionError(place + ": '<id>' before anything was started");
            }
            sql = PLACEHOLDER.matcher(sql).replaceAll(Matcher.quoteReplacement("'" + latest + "'"));
        }
        List<String> rows;
        try (Statement statement = session.createStatement()) {
            statement.setEscapeProcessing(false);
            rows = statement.execute(sql) ? text(statement) : List.of();
        } catch (SQLException e) {
            if (example.error().isEmpty()) {
                throw new AssertionError(place + ": " + e.getMessage() + "\n" + sql, e);
            }
            if (!String.valueOf(e.getMessage()).contains(example.error().get())) {
                throw new AssertionError(place + ": another error than is written there: " + e.getMessage(), e);
            }
            return List.of();
        }
        if (example.error().isPresent()) {
            throw new AssertionError(place + ": no error, but there should be: "
                    + example.error().get());
        }
        if (!example.answers().isEmpty()) {
            same(place, example.answers(), rows);
        }
        return rows;
    }

    private static void same(String place, List<String> promised, List<String> found) {
        if (!matches(promised, found)) {
            throw new AssertionError(place + ": promised\n" + String.join("\n", promised) + "\n\nbut it answers\n"
                    + String.join("\n", found));
        }
    }

    /** Compares line by line; {@code …} in what is promised stands for anything. */
    private static boolean matches(List<String> promised, List<String> found) {
        boolean matches = promised.size() == found.size();
        for (int i = 0; matches && i < found.size(); i++) {
            String pattern = Pattern.quote(promised.get(i).stripTrailing()).replace("…", "\\E.*\\Q");
            matches = found.get(i).stripTrailing().matches(pattern);
        }
        return matches;
    }

    private static List<String> text(Statement statement) throws SQLException {
        List<String> lines = new ArrayList<>();
        try (var rows = statement.getResultSet()) {
            int columns = rows.getMetaData().getColumnCount();
            while (rows.next()) {
                List<String> values = new ArrayList<>();
                for (int i = 1; i <= columns; i++) {
                    String value = rows.getString(i);
                    values.add(value == null ? "NULL" : value);
                }
                String.join(" | ", values).lines().forEach(lines::add);
            }
        }
        return lines;
    }

    private void await(Page.Block block, String id, Example example) throws SQLException {
        String place = block.page() + ":" + example.line();
        if (example.end().equals("running")) {
            return;
        }
        List<@Nullable String> row = Awaitility.await(place + ": the end of instance " + id)
                .atMost(PATIENCE)
                .pollInterval(Looks.OFTEN)
                .until(
                        () -> TestDatabase.rows(
                                        session("postgres"),
                                        "SELECT status, output FROM df.instances WHERE id = '" + id + "'")
                                .get(0),
                        found -> Set.of("completed", "failed", "cancelled").contains(String.valueOf(found.get(0)))
                                && found.get(1) != null);
        boolean kept =
                example.end().equals(row.get(0)) && String.valueOf(row.get(1)).contains(example.endText());
        if (!kept) {
            throw new AssertionError(place + ": the instance should end " + example.end() + " " + example.endText()
                    + ", but it is " + row.get(0) + ": " + row.get(1) + "\n" + example.sql());
        }
    }

    private List<String> newInstances() throws SQLException {
        if (worker == null) {
            return List.of();
        }
        List<String> found = new ArrayList<>();
        for (List<@Nullable String> row :
                TestDatabase.rows(session("postgres"), "SELECT id FROM df.instances ORDER BY created_at")) {
            String id = String.valueOf(row.get(0));
            if (known.add(id)) {
                found.add(id);
            }
        }
        return found;
    }

    private void install() throws SQLException {
        if (worker != null) {
            return;
        }
        DatabaseUrl owner = superuser.withUser(PostgresServer.OWNER, null);
        Migration.migrate(owner);
        execute(superuser, SUBMITTER);
        execute(owner, "SELECT df.grant_usage('app')");
        answers = ServedAnswers.of(owner);
        worker = InProcessWorker.start(
                owner,
                Map.of("perdure.http.allow", service.authority(), "perdure.web.public-url", answers.publicUrl()));
    }

    private Connection session(String role) throws SQLException {
        Connection session = sessions.get(role);
        if (session == null) {
            session = superuser.withUser(role, null).connect();
            sessions.put(role, session);
        }
        return session;
    }

    private static void execute(DatabaseUrl url, String sql) throws SQLException {
        try (Connection connection = url.connect();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    @Override
    public void close() throws SQLException {
        service.close();
        if (worker != null) {
            worker.close();
        }
        if (answers != null) {
            answers.close();
        }
        for (Connection session : sessions.values()) {
            session.close();
        }
        if (ownServer != null) {
            try {
                ownServer.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
