package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.HttpService;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** HTTP steps in workflows: what is sent for whom, what is recorded, and what a crash, a cancellation or a race does. */
class HttpWorkflowTest {

    private static TestDatabase database;
    private static InProcessWorker worker;
    private static HttpService service;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        service = new HttpService();
        worker = InProcessWorker.start(
                database,
                Map.of(
                        "perdure.http.allow",
                        "localhost:" + service.port(),
                        "perdure.http.max-concurrent",
                        "8",
                        "perdure.http.max-concurrent-per-role",
                        "4",
                        "perdure.step.max-concurrent",
                        "2"));
        app = Submitter.of(database, "http_app");
        database.execute(PostgresServer.OWNER, "SELECT df.grant_usage('http_app', include_http => true)");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
        service.close();
    }

    private static String http(String path, String more) {
        return "df.http('" + service.url(path) + "'" + more + ")";
    }

    @Test
    void results_and_variables_go_into_url_body_and_headers_and_the_answer_goes_on() throws SQLException {
        service.on("/items/7", 200, "application/json", "{\"price\": 12}");
        app.execute("SELECT df.setvar('token', 'abc')");

        var ended = app.run(
                "'SELECT 7 AS id, ''it''''s \"quoted\"'' AS name' |=> 'row' ~> "
                        + http(
                                "/items/$row.id",
                                ", 'put', '{\"name\": \"$row.name\", \"t\": \"{token}\"}',"
                                        + " '{\"Authorization\": \"Bearer {token}\", \"X-Row\": \"$row.id\", \"X-Number\": 1.50, \"X-Flag\": true}'")
                        + " |=> 'answer' ~> 'SELECT ($answer.body)::json ->> ''price'' AS price, $answer.status AS status, $answer.ok AS ok'");

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(app.result(ended.id()).path("rows").path(0).toString())
                .isEqualTo("{\"ok\":true,\"price\":\"12\",\"status\":200}");
        var received = service.received("/items/7").get(0);
        assertThat(received.method()).isEqualTo("PUT");
        assertThat(received.body()).isEqualTo("{\"name\": \"it's \\\"quoted\\\"\", \"t\": \"abc\"}");
        assertThat(received.headers())
                .containsEntry("authorization", "Bearer abc")
                .containsEntry("x-row", "7")
                .containsEntry("x-number", "1.50")
                .containsEntry("x-flag", "true");
        assertThat(app.value(
                        "SELECT executed_query FROM df.nodes WHERE instance_id = ? AND node_type = 'HTTP'", ended.id()))
                .contains("\"url\":\"" + service.url("/items/7") + "\"")
                .contains("\"X-Row\":\"7\"");
        assertThat(app.value("SELECT attempt FROM df.nodes WHERE instance_id = ? AND node_type = 'HTTP'", ended.id()))
                .isEqualTo("1");
    }

    @Test
    void a_multipart_request_takes_its_parts_from_results() throws SQLException {
        var ended = app.run("'SELECT encode(''\\x00ff''::bytea, ''base64'') AS data, ''f.bin'' AS file' |=> 'f' ~> "
                + "df.http_multipart('" + service.url("/upload") + "', parts => '[{\"name\": \"file\", \"filename\":"
                + " \"$f.file\", \"content_type\": \"application/octet-stream\", \"data_b64\": \" $f.data \"}]')");

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(new String(service.received("/upload").get(0).bytes(), java.nio.charset.StandardCharsets.ISO_8859_1))
                .contains("filename=\"f.bin\"")
                .contains("\r\n\r\n\u0000\u00ff\r\n");
        assertThat(service.received("/upload")).hasSize(1);
    }

    @Test
    void an_answer_from_500_on_fails_the_instance_with_its_text() throws SQLException {
        service.on("/down", 503, "text/plain", "try later");

        var ended = app.run(http("/down", ", 'GET'"));

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).isEqualTo("HTTP GET " + service.url("/down") + " returned 503: try later");
        assertThat(app.value("SELECT error FROM df.nodes WHERE instance_id = ?", ended.id()))
                .isEqualTo(ended.output());
        assertThat(service.received("/down")).as("nothing is tried again").hasSize(1);
    }

    @Test
    void a_host_that_is_not_listed_is_blocked_with_the_setting_that_would_allow_it() throws SQLException {
        try (HttpService other = new HttpService()) {
            var ended = app.run("df.http('http://localhost:" + other.port() + "/')");

            assertThat(ended.output())
                    .contains("Blocked: the resolved IP address for 'localhost' is in a restricted range.")
                    .contains("list localhost:" + other.port() + " in the worker's setting perdure.http.allow");
            assertThat(other.received()).isEmpty();
        }
    }

    @Test
    void the_privilege_is_looked_at_when_the_request_is_sent_also_for_roles_with_odd_names() throws SQLException {
        String role = "http \"Odd\" role";
        try (Submitter odd = Submitter.of(database, role)) {
            database.execute(PostgresServer.OWNER, "SELECT df.grant_usage('" + role + "', include_http => true)");
            String node = odd.value("SELECT " + http("/odd", ""));
            assertThat(odd.run("'" + node.replace("'", "''") + "'").status()).isEqualTo("completed");
            // The node is a text: whoever has it can start it, and needs the privilege then.
            database.execute(
                    PostgresServer.OWNER,
                    "REVOKE EXECUTE ON FUNCTION df.http(text,text,text,jsonb,integer) FROM \"http \"\"Odd\"\" role\"");

            var ended = odd.run("'" + node.replace("'", "''") + "'");

            assertThat(ended.output())
                    .isEqualTo("Blocked: role '" + role + "' does not have EXECUTE privilege on df.http(). Grant"
                            + " EXECUTE ON FUNCTION df.http(text,text,text,jsonb,integer) TO " + role
                            + " to allow HTTP requests.");
            assertThat(service.received("/odd")).hasSize(1);
            assertThat(odd.run("df.http_multipart('" + service.url("/odd")
                                    + "', parts => '[{\"name\": \"a\", \"data_b64\": \"\"}]')")
                            .status())
                    .as("the two privileges are separate")
                    .isEqualTo("completed");
        }
    }

    @Test
    void nodes_written_by_hand_with_nonsense_fail_with_a_reason() throws SQLException {
        for (String[] wrong : new String[][] {
            {"{}", "Invalid HTTP config: missing field 'url'"},
            {"{\"url\": 1, \"method\": \"GET\"}", "Invalid HTTP config: url must be a string"},
            {"{\"url\": \"http://x/\"}", "Invalid HTTP config: missing field 'method'"},
            {"[]", "Invalid HTTP config: it is not a JSON object"},
            {"{\"url\": \"http://x/\", \"method\": \"GET\", \"timeout_seconds\": 0}", "timeout_seconds must be"},
            {"{\"url\": \"http://x/\", \"method\": \"GET\", \"headers\": [1]}", "headers must be a JSON object"},
            {"{\"url\": \"http://x/\", \"method\": \"GET\", \"headers\": {\"a\": null}}", "header 'a' must be"},
            {"{\"url\": \"ftp://x/\", \"method\": \"GET\"}", "Blocked: unsupported URL scheme 'ftp'"},
            {"{\"url\": \"" + service.url("/") + "\", \"method\": \"HEAD\"}", "Unsupported HTTP method: HEAD"}
        }) {
            String node = "{\"node_type\":\"HTTP\",\"query\":"
                    + new com.fasterxml.jackson.databind.node.TextNode(wrong[0]) + "}";

            var ended = app.run("'" + node.replace("'", "''") + "'");

            assertThat(ended.output()).contains(wrong[1]);
        }
    }

    @Test
    void parts_written_by_hand_with_nonsense_fail_with_a_reason_and_send_nothing() throws SQLException {
        for (String[] wrong : new String[][] {
            {"{}", "parts must be an array with at least one part"},
            {"{\"parts\": []}", "parts must be an array with at least one part"},
            {"{\"parts\": [1]}", "a part must be a JSON object"},
            {"{\"parts\": [{\"name\": \"a\", \"data\": \"eA==\"}]}", "missing field 'data_b64'"},
            {"{\"parts\": [{\"data_b64\": \"eA==\"}]}", "missing field 'name'"},
            {"{\"parts\": [{\"name\": \"a\", \"data_b64\": \"hello\"}]}", "Invalid base64 in part 'a': "},
            {
                "{\"parts\": [{\"name\": \"{sys_label}b\", \"data_b64\": \"x{sys_label}\"}]}",
                ": data_b64 for part 'b' mixes a variable reference with other text. Only a whole-value reference is"
                        + " supported (e.g. data_b64 => '$result' or '{myvar}'), because splicing into base64 would"
                        + " corrupt the payload."
            },
            {
                "{\"parts\": [{\"name\": \"a\", \"data_b64\": \"\", \"content_type\": \"text\"}]}",
                "Invalid content_type for part 'a': "
            },
            {"{\"method\": \"GET\", \"parts\": [1]}", "Invalid multipart HTTP config: a part must be"},
        }) {
            String config = "'{\"url\": \"" + service.url("/by-hand") + "\", \"method\": \"POST\"}'::jsonb || '"
                    + wrong[0] + "'";

            var ended =
                    app.run("jsonb_build_object('node_type', 'HTTP_MULTIPART', 'query', (" + config + ")::text)::text");

            assertThat(ended.status()).isEqualTo("failed");
            assertThat(ended.output()).contains(wrong[1]);
        }
        assertThat(service.received("/by-hand")).isEmpty();
    }

    @Test
    void a_crash_between_request_and_checkpoint_sends_it_again_with_the_same_key() throws SQLException {
        AtomicInteger calls = new AtomicInteger();
        CountDownLatch release = new CountDownLatch(1);
        service.on("/crash", (exchange, request) -> {
            if (calls.incrementAndGet() == 1) {
                release.await();
            }
            HttpService.respond(exchange, 200, "text/plain", "done");
        });
        String id = app.start("'SELECT 1' ~> " + http("/crash", ""));
        Awaitility.await().until(() -> calls.get() == 1);
        assertThat(app.value("SELECT status || attempt FROM df.nodes WHERE instance_id = ? AND node_type = 'HTTP'", id))
                .as("recorded before it is sent")
                .isEqualTo("running1");

        worker.loseMemory();

        assertThat(app.await(id).status()).isEqualTo("completed");
        release.countDown();
        var received = service.received("/crash");
        assertThat(received).hasSize(2);
        assertThat(received.get(0).header("idempotency-key")).hasSize(32);
        assertThat(received.get(1).header("idempotency-key"))
                .isEqualTo(received.get(0).header("idempotency-key"));
        assertThat(app.value("SELECT attempt FROM df.nodes WHERE instance_id = ? AND node_type = 'HTTP'", id))
                .isEqualTo("2");
    }

    @Test
    void each_step_round_and_instance_has_a_key_of_its_own() throws SQLException {
        service.on("/keys", 200, "text/plain", "1");
        String step = http("/keys", "");
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            ids.add(app.start("df.loop(" + step + " ~> " + step
                    + ", 'SELECT count(*) < 2 FROM df.executions WHERE instance_id = ''{sys_instance_id}''')"));
        }
        for (String id : ids) {
            var ended = app.await(id);
            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        }
        Set<String> keys = new HashSet<>();
        service.received("/keys").forEach(request -> keys.add(String.valueOf(request.header("idempotency-key"))));
        assertThat(service.received("/keys")).hasSizeGreaterThanOrEqualTo(8);
        assertThat(keys).hasSameSizeAs(service.received("/keys"));
    }

    @Test
    void a_cancelled_instance_ends_its_request() throws SQLException {
        CountDownLatch arrived = new CountDownLatch(1);
        service.on("/slow", (exchange, request) -> {
            arrived.countDown();
            new Semaphore(0).acquire();
        });
        long before = worker.statistics().http().counted(dev.perdure.step.http.HttpOutcome.CANCELED);
        String id = app.start(http("/slow", "") + " ~> 'SELECT 1'");
        Awaitility.await().until(() -> arrived.getCount() == 0);

        app.value("SELECT df.cancel(?, 'enough')", id);

        assertThat(app.await(id).output()).isEqualTo("canceled: enough");
        assertThat(app.value("SELECT error FROM df.nodes WHERE instance_id = ? AND node_type = 'HTTP'", id))
                .isEqualTo("canceled: enough (the request may have happened)");
        Awaitility.await()
                .until(() -> worker.statistics().http().counted(dev.perdure.step.http.HttpOutcome.CANCELED) > before);
        Awaitility.await().until(() -> worker.statistics().http().inFlight() == 0);
    }

    @Test
    void a_request_that_loses_a_race_is_ended() throws SQLException {
        service.on("/loser", (exchange, request) -> new Semaphore(0).acquire());

        var ended =
                app.run("df.race(" + http("/loser", "") + ", 'SELECT 5 AS n FROM pg_sleep(0.5)') ~> 'SELECT 6 AS n'");

        assertThat(ended.output()).contains("6");
        assertThat(app.value("SELECT error FROM df.nodes WHERE instance_id = ? AND node_type = 'HTTP'", ended.id()))
                .isEqualTo("canceled: lost race (the request may have happened)");
        Awaitility.await().until(() -> worker.statistics().http().inFlight() == 0);
    }

    @Test
    void slow_requests_are_bounded_per_role_and_hold_up_neither_sql_nor_other_roles() throws SQLException {
        Semaphore gate = new Semaphore(0);
        AtomicInteger under = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        service.on("/gated", (exchange, request) -> {
            most.accumulateAndGet(under.incrementAndGet(), Math::max);
            gate.acquire();
            under.decrementAndGet();
            HttpService.respond(exchange, 200, "text/plain", "");
        });
        service.on("/quick", 200, "text/plain", "");
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            ids.add(app.start(http("/gated", "")));
        }
        Awaitility.await().until(() -> under.get() == 4);

        assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");
        try (Submitter other = Submitter.of(database, "http_other")) {
            database.execute(PostgresServer.OWNER, "SELECT df.grant_usage('http_other', include_http => true)");
            assertThat(other.run(http("/quick", "")).status()).isEqualTo("completed");
        }
        assertThat(worker.statistics().queuedRequests()).isEqualTo(8);
        gate.release(100);
        for (String id : ids) {
            assertThat(app.await(id).status()).isEqualTo("completed");
        }
        assertThat(most).hasValue(4);
        Awaitility.await().until(() -> worker.statistics().queuedRequests() == 0);
    }

    @Test
    void many_requests_of_one_workflow_each_arrive_once() throws SQLException {
        service.on("/each", (exchange, request) -> HttpService.respond(exchange, 200, "application/json", "{}"));
        String branches = http("/each?a", "");
        for (int i = 0; i < 30; i++) {
            branches = "(" + branches + " & " + http("/each?" + i, "") + ")";
        }

        assertThat(app.run(branches).status()).isEqualTo("completed");

        assertThat(service.received().stream().filter(r -> r.path().startsWith("/each?")))
                .hasSize(31)
                .doesNotHaveDuplicates();
    }
}
