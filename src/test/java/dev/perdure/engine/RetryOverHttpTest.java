package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.HttpService;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.io.IOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** df.retry around requests to a real server: what failed is sent again, and nothing before it. */
@SuppressWarnings("try")
class RetryOverHttpTest {

    private static final int ROWS = 10_000;
    private static final int BATCH = 100;

    private TestDatabase database;
    private HttpService service;
    private Submitter app;

    @BeforeEach
    void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        service = new HttpService();
        app = Submitter.of(database, "retry_http_app");
        database.execute(PostgresServer.OWNER, "SELECT df.grant_usage('retry_http_app', include_http => true)");
        app.execute("CREATE TABLE item (id int PRIMARY KEY, answer text, written int NOT NULL DEFAULT 0);"
                + " INSERT INTO item SELECT generate_series(1, " + ROWS + ");"
                + " CREATE TABLE ledger (what text)");
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

    /** Answers with the batch that was sent; fails as often as told for the one that has row 500. */
    private void embed(int failures, HttpService.Answer failing) {
        AtomicInteger left = new AtomicInteger(failures);
        service.on("/embed", (exchange, request) -> {
            if (request.body().contains("{\"id\":500}") && left.getAndDecrement() > 0) {
                failing.send(exchange, request);
            } else {
                HttpService.respond(exchange, 200, "application/json", request.body());
            }
        });
    }

    private static HttpService.Answer status(int status) {
        return (exchange, request) -> HttpService.respond(exchange, status, "text/plain", "not now");
    }

    /** All batches, one after the other, each a query, a request with its rows, and an update with the answer. */
    private String pipeline(String retryOptions) {
        List<String> steps = new ArrayList<>();
        for (int first = 1; first <= ROWS; first += BATCH) {
            steps.add("('SELECT id FROM item WHERE id BETWEEN " + first + " AND " + (first + BATCH - 1)
                    + " ORDER BY id' |=> 'batch')");
            steps.add("(df.retry(df.http('" + service.url("/embed") + "', 'POST', '$batch.*', '{\"Content-Type\":"
                    + " \"application/json\"}')" + retryOptions + ") |=> 'reply')");
            steps.add("'UPDATE item SET answer = ''done'', written = written + 1 FROM"
                    + " jsonb_to_recordset(($reply.body)::jsonb) AS r(id int) WHERE item.id = r.id'");
        }
        return chain(steps);
    }

    /** One after the other, in a tree that is no deeper than it has to be. */
    private static String chain(List<String> steps) {
        if (steps.size() == 1) {
            return steps.get(0);
        }
        int half = steps.size() / 2;
        return "(" + chain(steps.subList(0, half)) + " ~> " + chain(steps.subList(half, steps.size())) + ")";
    }

    private void assertEachRowWasWrittenOnce() throws SQLException {
        assertThat(app.value("SELECT count(*) || ' ' || sum(written) FROM item WHERE answer = 'done'"))
                .isEqualTo(ROWS + " " + ROWS);
    }

    private List<HttpService.Received> requestsWithRow(int id) {
        return service.received("/embed").stream()
                .filter(request -> request.body().contains("{\"id\":" + id + "}"))
                .toList();
    }

    @Test
    void ten_thousand_rows_in_batches_and_only_the_batch_with_row_500_is_sent_again_also_after_a_crash()
            throws SQLException {
        embed(2, status(503));
        String id;
        try (InProcessWorker worker = worker()) {
            id = app.start(pipeline(", 5, '0.5 s'"));
            Awaitility.await("the request that fails")
                    .until(() -> !requestsWithRow(500).isEmpty());
            app.awaitValue(
                    "1",
                    "SELECT count(*) FROM df.nodes WHERE instance_id = ? AND node_type = 'RETRY' AND attempt > 1",
                    id);
            assertThat(app.value(
                            "SELECT error FROM df.nodes WHERE instance_id = ? AND node_type = 'RETRY' AND attempt > 1",
                            id))
                    .contains("returned 503: not now");
            worker.loseMemory();
            assertThat(app.await(id).status()).isEqualTo("completed");
        }
        assertEachRowWasWrittenOnce();
        assertThat(service.received("/embed")).hasSize(ROWS / BATCH + 2);
        assertThat(requestsWithRow(500)).hasSize(3);
        assertThat(requestsWithRow(499)).hasSize(3);
        assertThat(requestsWithRow(400)).hasSize(1);
        assertThat(requestsWithRow(501)).hasSize(1);
        Set<String> keys = new HashSet<>();
        requestsWithRow(500).forEach(request -> keys.add(request.header("idempotency-key")));
        assertThat(keys).as("keys of one step's attempts").hasSize(1);
        assertThat(app.value(
                        "SELECT string_agg(attempt::text, ',') FROM df.nodes WHERE instance_id = ? AND node_type = 'RETRY'"
                                + " AND attempt <> 1",
                        id))
                .isEqualTo("3");
    }

    @Test
    void a_call_for_each_row_is_repeated_only_for_the_row_that_failed() throws SQLException {
        AtomicInteger failures = new AtomicInteger(2);
        int first = 451;
        int last = 510;
        for (int row = first; row <= last; row++) {
            boolean fails = row == 500;
            service.on("/rows/" + row, (exchange, request) -> {
                // Each request has a new connection: when one breaks that was used before, the client itself sends
                // again.
                exchange.getResponseHeaders().set("Connection", "close");
                if (!fails || failures.getAndDecrement() <= 0) {
                    HttpService.respond(exchange, 200, "text/plain", "fine");
                } else if (failures.get() == 1) {
                    // Too many requests, which is an answer to everybody but df.retry.
                    exchange.getResponseHeaders().set("Retry-After", "1");
                    HttpService.respond(exchange, 429, "text/plain", "slow down");
                } else {
                    throw new IOException("the connection breaks");
                }
            });
        }
        List<String> steps = new ArrayList<>();
        for (int row = first; row <= last; row++) {
            steps.add("df.retry(df.http('" + service.url("/rows/" + row) + "', 'GET'), 4, '0.1 s')");
        }
        try (InProcessWorker worker = worker()) {
            var ended = app.run(chain(steps));
            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(service.received()).hasSize(last - first + 1 + 2);
            assertThat(service.received("/rows/500")).hasSize(3);
            assertThat(app.value(
                            "SELECT string_agg(attempt::text, ',') FROM df.nodes WHERE instance_id = ?"
                                    + " AND node_type = 'RETRY' AND attempt <> 1",
                            ended.id()))
                    .isEqualTo("3");
        }
    }

    @Test
    void what_follows_a_request_in_the_body_does_not_run_with_an_answer_that_counts_as_a_failure() throws SQLException {
        embed(2, status(429));
        try (InProcessWorker worker = worker()) {
            var ended =
                    app.run("df.retry((df.http('" + service.url("/embed") + "', 'POST', '[{\"id\":500}]') |=> 'reply')"
                            + " ~> 'INSERT INTO ledger VALUES (''$reply.status'')', 3, '0.05 s')");
            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(app.value("SELECT string_agg(what, ',') FROM ledger")).isEqualTo("200");
            assertThat(service.received("/embed")).hasSize(3);
        }
    }

    @Test
    void an_answer_that_is_not_listed_ends_the_attempts_and_an_answer_below_400_is_none_of_its_business()
            throws SQLException {
        embed(9, status(503));
        service.on("/missing", 404, "text/plain", "none");
        try (InProcessWorker worker = worker()) {
            String request = "df.http('" + service.url("/embed") + "', 'POST', '[{\"id\":500}]')";
            var narrow = app.run("df.retry(" + request + ", 5, '0.05 s', retry_on => ARRAY['http:429', 'http:error'])");
            assertThat(narrow.output()).contains("returned 503").endsWith("(attempt 1, no failure to be retried on)");
            assertThat(service.received("/embed")).hasSize(1);

            var spent = app.run("df.retry(" + request + ", 3, '0.05 s', retry_on => ARRAY['http:5xx'])");
            assertThat(spent.output()).contains("returned 503").endsWith("(given up after 3 attempts)");
            assertThat(service.received("/embed")).hasSize(4);

            var missing = app.run("df.retry(df.http('" + service.url("/missing") + "', 'GET'), 3, '0.05 s')");
            assertThat(missing.status()).isEqualTo("completed");
            assertThat(app.result(missing.id()).path("status").asInt()).isEqualTo(404);
            assertThat(service.received("/missing")).hasSize(1);
        }
    }
}
