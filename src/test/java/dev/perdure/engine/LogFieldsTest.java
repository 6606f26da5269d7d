package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.HttpService;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.jboss.logmanager.ExtLogRecord;
import org.jboss.logmanager.Logger;
import org.jboss.logmanager.formatters.PatternFormatter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Lines that speak of an instance or of a node have its id as a field, so that a log can be searched by it. */
class LogFieldsTest {

    private static final Logger ENGINE = Logger.getLogger("dev.perdure.engine");

    private static final PatternFormatter MESSAGE = new PatternFormatter("%s");

    /** One line, with the fields that held in its thread. */
    private record Line(String message, Map<String, String> fields) {}

    private final List<Line> lines = new CopyOnWriteArrayList<>();
    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord line) {
            ExtLogRecord record = ExtLogRecord.wrap(line);
            lines.add(new Line(MESSAGE.format(record), record.getMdcCopy()));
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    @BeforeEach
    void listen() {
        ENGINE.setLevel(Level.ALL);
        ENGINE.addHandler(handler);
    }

    @AfterEach
    void stop() {
        ENGINE.removeHandler(handler);
        ENGINE.setLevel(null);
    }

    @Test
    void lines_about_an_instance_or_a_node_have_its_id_as_a_field() throws SQLException {
        TestDatabase database = PostgresServer.get().newDatabase();
        try (Submitter alice = Submitter.of(database, "logged");
                InProcessWorker worker = InProcessWorker.start(database)) {
            alice.execute(
                    """
                    CREATE SEQUENCE attempts;
                    CREATE FUNCTION unlucky() RETURNS int LANGUAGE plpgsql AS $$
                    BEGIN
                        IF nextval('attempts') < 2 THEN RAISE serialization_failure; END IF;
                        RETURN 1;
                    END $$""");
            List<String> ids = new ArrayList<>();
            ids.add(alice.run("'SELECT 1' ~> 'SELECT 2' ~> df.sleep(0)").id());
            ids.add(alice.run("'SELECT 1 / 0'").id());
            ids.add(alice.run("'SELECT unlucky()'").id());
            ids.add(alice.run("$q$DO $d$BEGIN RAISE E'first\\n12:00:00 INFO forged'; END$d$$q$")
                    .id());
            String cancelled = alice.start("'SELECT pg_sleep(600)'");
            alice.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ?", cancelled);
            alice.value("SELECT df.cancel(?)", cancelled);
            alice.await(cancelled);
            ids.add(cancelled);
            String taken = alice.start("'SELECT pg_sleep(600)'");
            alice.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ?", taken);
            database.execute(
                    PostgresServer.OWNER,
                    "UPDATE df.instances SET graph = replace(graph, '\"SQL\"', '\"THEN\"') WHERE id = '" + taken + "'");
            worker.loseMemory();
            alice.await(taken);
            ids.add(taken);

            Awaitility.await("a line about each instance")
                    .untilAsserted(() -> assertThat(ids).allMatch(id -> lines.stream()
                            .anyMatch(line -> line.message().contains(id))));
            Set<String> nodes = database.rows(PostgresServer.OWNER, "SELECT id FROM df.nodes").stream()
                    .map(row -> Objects.requireNonNull(row.get(0)))
                    .collect(Collectors.toSet());
            assertThat(lines)
                    .extracting(Line::message)
                    .anyMatch(message -> message.contains("first 12:00:00 INFO forged"));
            assertThat(lines).extracting(Line::message).noneMatch(message -> message.contains("\n"));
            int ofSteps = 0;
            for (Line line : lines) {
                Matcher word = Pattern.compile("\\b[0-9a-f]{8}\\b").matcher(line.message());
                while (word.find()) {
                    if (ids.contains(word.group())) {
                        assertThat(line.fields()).as(line.message()).containsEntry("instance", word.group());
                    } else if (nodes.contains(word.group()) && line.message().startsWith("Step of")) {
                        ofSteps++;
                        assertThat(line.fields()).as(line.message()).containsEntry("node", word.group());
                    }
                }
            }
            assertThat(ofSteps).as("lines about steps").isGreaterThanOrEqualTo(4);
        }
    }

    @Test
    void a_new_leader_says_how_many_instances_go_on() throws SQLException {
        TestDatabase database = PostgresServer.get().newDatabase();
        try (Submitter alice = Submitter.of(database, "left");
                InProcessWorker worker = InProcessWorker.start(database)) {
            for (int i = 0; i < 3; i++) {
                String id = alice.start("'SELECT pg_sleep(600)'");
                alice.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ?", id);
            }

            worker.loseMemory();

            Awaitility.await("the line of the next term").untilAsserted(() -> assertThat(lines)
                    .extracting(Line::message)
                    .contains("Instances that were there and go on: 3"));
        }
    }

    @Test
    void a_request_that_is_sent_again_says_which_attempt_it_was() throws SQLException {
        TestDatabase database = PostgresServer.get().newDatabase();
        Logger http = Logger.getLogger("dev.perdure.http");
        http.addHandler(handler);
        try (HttpService service = new HttpService().on("/down", 503, "text/plain", "later");
                Submitter alice = Submitter.of(database, "logged");
                InProcessWorker worker =
                        InProcessWorker.start(database, Map.of("perdure.http.allow", "localhost:" + service.port()))) {
            database.execute(PostgresServer.OWNER, "SELECT df.grant_usage('logged', include_http => true)");

            alice.run("df.retry(df.http('" + service.url("/down") + "', 'GET'), 3, '10 ms')");

            assertThat(worker.leaderStatus().epoch()).isPositive();
            assertThat(lines.stream()
                            .map(line -> Pattern.compile("http request .* attempt=(\\d+) ")
                                    .matcher(line.message()))
                            .filter(Matcher::find)
                            .map(found -> found.group(1)))
                    .containsExactly("1", "2", "3");
        } finally {
            http.removeHandler(handler);
        }
    }
}
