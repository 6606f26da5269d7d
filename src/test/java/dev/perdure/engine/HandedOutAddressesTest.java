package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.HttpService;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where a step can put an address by which it is answered, which one that is, and where there is none. */
class HandedOutAddressesTest {

    private static final String URL = "https://workflows.example.com";
    private static final Pattern ADDRESS =
            Pattern.compile(Pattern.quote(URL) + "/api/v1/answers/[0-9]+[.][A-Za-z0-9_-]+[.][A-Za-z0-9_-]{32}");

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
                Map.of("perdure.http.allow", "localhost:" + service.port(), "perdure.web.public-url", URL + "/"));
        app = Submitter.of(database, "address_app");
        database.execute(PostgresServer.OWNER, "SELECT df.grant_usage('address_app', include_http => true)");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
        service.close();
    }

    private static List<String> addresses(String text) {
        List<String> found = new ArrayList<>();
        for (Matcher matcher = ADDRESS.matcher(text); matcher.find(); ) {
            found.add(matcher.group());
        }
        return found;
    }

    @Test
    void a_request_has_it_in_its_url_its_headers_and_its_body_the_same_in_each_attempt() throws SQLException {
        AtomicInteger times = new AtomicInteger();
        service.on(
                "/job",
                (exchange, received) ->
                        HttpService.respond(exchange, times.incrementAndGet() < 3 ? 503 : 200, "text/plain", ""));

        var ended = app.run("df.retry(df.http('" + service.url("/job") + "?to={sys_signal_url:done}', 'POST',"
                + " '{\"to\": \"{sys_signal_url:done}\", \"no\": \"{sys_signal_url:no}\"}', '{\"X-To\": \"{sys_signal_url:done}\"}',"
                + " expect => '2xx'), 5, '1 ms')");

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        List<HttpService.Received> attempts = service.received().stream()
                .filter(request -> request.path().startsWith("/job"))
                .toList();
        assertThat(attempts).hasSize(3);
        String body = attempts.get(0).body();
        String done = addresses(body).get(0);
        assertThat(addresses(body)).hasSize(2).doesNotHaveDuplicates();
        for (HttpService.Received attempt : attempts) {
            assertThat(addresses(attempt.path())).containsExactly(done);
            assertThat(attempt.body()).isEqualTo(body);
            assertThat(attempt.header("x-to")).isEqualTo(done);
            assertThat(attempt.header("idempotency-key"))
                    .isEqualTo(attempts.get(0).header("idempotency-key"));
        }
    }

    @Test
    void a_statement_has_it_in_its_text_and_as_a_parameter_and_no_two_steps_have_the_same() throws SQLException {
        var ended = app.run(
                "df.sql('SELECT $1 AS bound, ''{sys_signal_url:go}'' AS written', '{sys_signal_url:go}') |=> 'a'"
                        + " ~> 'SELECT $a.bound = $a.written AS same, ''{sys_signal_url:go}'' AS other, $a.bound AS first'");
        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        String result = app.result(ended.id()).toString();
        assertThat(result).contains("\"same\":true");
        assertThat(addresses(result)).hasSize(2).doesNotHaveDuplicates();
    }

    @Test
    void what_a_service_answers_is_not_taken_for_one() throws SQLException {
        service.on("/evil", 200, "text/plain", "{sys_signal_url:go}");
        var ended =
                app.run("df.http('" + service.url("/evil") + "') |=> 'r' ~> df.sql('SELECT $1 AS body', '$r.body')");
        assertThat(ended.output()).contains("{sys_signal_url:go}");
    }

    @Test
    void an_item_of_a_map_has_none_and_says_what_to_do() throws SQLException {
        var ended = app.run("df.map('SELECT 1 AS n', 'SELECT ''{sys_signal_url:go}''')");
        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).contains("{sys_signal_url:go}", "share the signals", "df.call");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{sys_signal_url:}", "{sys_signal_url: }", "{sys_decision_url:}"})
    void one_without_a_name_fails_the_step(String variable) throws SQLException {
        var ended = app.run("'SELECT ''" + variable + "'''");
        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).contains(variable, "1 to 255 bytes");
    }

    @Test
    void a_worker_without_a_public_url_fails_the_step_and_says_what_to_set() throws SQLException {
        TestDatabase other = PostgresServer.get().newDatabase();
        try (InProcessWorker none = InProcessWorker.start(other);
                Submitter somebody = Submitter.of(other, "address_none")) {
            assertThat(none.leaderStatus().epoch()).isPositive();
            var ended = somebody.run("'SELECT ''{sys_signal_url:go}'''");
            assertThat(ended.status()).isEqualTo("failed");
            assertThat(ended.output())
                    .contains("{sys_signal_url:go}", "instance " + ended.id(), "at node", "perdure.web.public-url");
        }
    }
}
