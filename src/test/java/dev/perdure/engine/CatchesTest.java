package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.HttpService;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** df.catch and what a request expects, with a real worker. */
@SuppressWarnings("try")
class CatchesTest {

    private TestDatabase database;
    private HttpService service;
    private Submitter app;

    @BeforeEach
    void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        service = new HttpService();
        app = Submitter.of(database, "catch_app");
        database.execute(PostgresServer.OWNER, "SELECT df.grant_usage('catch_app', include_http => true)");
        app.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1);"
                + " CREATE TABLE log (message text, code text, node text, detail text)");
    }

    @AfterEach
    void end() throws SQLException {
        app.close();
        service.close();
    }

    private InProcessWorker worker() {
        return InProcessWorker.start(
                database, Map.of("perdure.http.allow", "localhost:" + service.port(), "perdure.http.egress", "listed"));
    }

    private String url(String path) {
        return service.url(path);
    }

    @Test
    void the_handler_sees_what_the_server_said_and_where() throws SQLException {
        try (InProcessWorker worker = worker()) {
            var ended = app.run(
                    "df.catch('INSERT INTO t VALUES (2)' ~> 'INSERT INTO t VALUES (1)',"
                            + " 'INSERT INTO log SELECT * FROM $error.* RETURNING code', '{23}') |=> 'r' ~> 'SELECT $r AS caught'");

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(ended.output()).contains("23505");
            assertThat(app.value("SELECT message FROM log")).contains("duplicate key value");
            assertThat(app.value("SELECT detail FROM log")).isEqualTo("Key (id)=(1) already exists.");
            assertThat(app.value(
                            "SELECT n.query FROM log JOIN df.nodes n ON n.id = log.node AND n.instance_id = ?",
                            ended.id()))
                    .isEqualTo("INSERT INTO t VALUES (1)");
            assertThat(app.value("SELECT count(*) FROM t"))
                    .as("what was committed stays")
                    .isEqualTo("2");
            assertThat(app.value("SELECT df.explain(?)", ended.id())).contains("CATCH (23) |=> 'r' ✓", "VALUES (1) ✗");
        }
    }

    @Test
    void what_is_not_listed_goes_on_and_the_handler_stays_skipped() throws SQLException {
        try (InProcessWorker worker = worker()) {
            var ended = app.run("df.catch('SELECT 1/0', 'INSERT INTO log VALUES (''no'')', '{23,http:5xx}')");

            assertThat(ended.status()).isEqualTo("failed");
            assertThat(ended.output()).contains("division by zero");
            assertThat(app.value("SELECT count(*) FROM log")).isEqualTo("0");
            assertThat(app.value("SELECT df.explain(?)", ended.id())).contains("'no') ⊘");
        }
    }

    @Test
    void a_status_that_is_not_expected_fails_the_step_with_its_code_and_the_answers_body() throws SQLException {
        service.on("/gone", 410, "text/plain", "it is gone");
        service.on("/missing", 404, "text/plain", "no such");
        try (InProcessWorker worker = worker()) {
            var caught = app.run("df.catch(df.http('" + url("/gone") + "', 'GET', expect => '2xx,404'),"
                    + " 'INSERT INTO log SELECT * FROM $error.*', '{http:410}')");
            assertThat(caught.status()).as(caught.output()).isEqualTo("completed");
            assertThat(app.value("SELECT code FROM log")).isEqualTo("http:410");
            assertThat(app.value("SELECT detail FROM log")).isEqualTo("it is gone");
            assertThat(app.value("SELECT message FROM log")).contains("answered with status 410");

            var expected = app.run("df.http('" + url("/missing") + "', 'GET', expect => '2xx,404')");
            assertThat(expected.status()).as("404 is a result").isEqualTo("completed");
            var failed = app.run("df.http('" + url("/missing") + "', 'GET', expect => '2xx')");
            assertThat(failed.status()).isEqualTo("failed");
            assertThat(app.value(
                            "SELECT status_details ->> 'code' FROM df.nodes WHERE instance_id = ? AND node_type = 'HTTP'",
                            failed.id()))
                    .isEqualTo("http:404");
        }
    }

    @Test
    void a_status_that_is_not_expected_is_retried_and_one_that_is_expected_is_not() throws SQLException {
        AtomicInteger calls = new AtomicInteger();
        service.on(
                "/flaky",
                (exchange, request) -> HttpService.respond(
                        exchange, calls.incrementAndGet() < 3 ? 409 : 200, "application/json", "{}"));
        AtomicInteger busy = new AtomicInteger();
        service.on("/busy", (exchange, request) -> {
            busy.incrementAndGet();
            HttpService.respond(exchange, 503, "text/plain", "busy");
        });
        try (InProcessWorker worker = worker()) {
            var ended = app.run("df.retry(df.http('" + url("/flaky")
                    + "', 'GET', expect => '2xx'), 5, '10 ms', retry_on => '{http:409}')");
            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(calls.get()).isEqualTo(3);

            var result = app.run("df.retry(df.http('" + url("/busy") + "', 'GET', expect => '2xx,503'), 5, '10 ms')");
            assertThat(result.status()).isEqualTo("completed");
            assertThat(busy.get()).isEqualTo(1);
        }
    }

    @Test
    void a_workflow_goes_on_in_the_handler_after_the_worker_has_gone() throws SQLException {
        String id;
        try (InProcessWorker worker = worker()) {
            id = app.start(
                    "df.catch('SELECT 1/0', " + Submitter.GATE + " ~> 'INSERT INTO log SELECT * FROM $error.*')");
            app.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ? AND node_type = 'SIGNAL'", id);
        }
        try (InProcessWorker worker = worker()) {
            app.open(id);
            var ended = app.await(id);
            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(app.value("SELECT code FROM log")).isEqualTo("22012");
        }
    }
}
