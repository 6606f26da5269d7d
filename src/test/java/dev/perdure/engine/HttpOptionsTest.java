package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.testing.HttpService;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code df.with_http_options}. */
class HttpOptionsTest {

    private static TestDatabase database;
    private static HttpService service;
    private static InProcessWorker worker;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        service = new HttpService();
        worker = InProcessWorker.start(database, Map.of("perdure.http.allow", "localhost:" + service.port()));
        app = Submitter.of(database, "options_app");
        database.execute(PostgresServer.OWNER, "SELECT df.grant_usage('options_app', include_http => true)");
        service.on("/text", 200, "text/plain", "0123456789");
        service.on("/big", 200, "text/plain", "x".repeat(100_000));
        service.on("/cookie", (exchange, received) -> {
            exchange.getResponseHeaders().set("Set-Cookie", "session=1");
            exchange.getResponseHeaders().set("ETag", "e1");
            HttpService.respond(exchange, 200, "text/plain", "ok");
        });
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
        service.close();
    }

    private static String with(String http, String options) {
        return "df.with_http_options(" + http + ", '" + options + "')";
    }

    private static String get(String path) {
        return "df.http('" + service.url(path) + "', 'GET')";
    }

    @Test
    void a_body_that_comes_is_bounded_by_the_step() throws SQLException {
        assertThat(app.run(with(get("/text"), "{\"max_response_bytes\": 10}")).status())
                .isEqualTo("completed");
        assertThat(app.run(with(get("/text"), "{\"max_response_bytes\": 9}")).output())
                .contains("the response is larger than 9 bytes (max_response_bytes)");
    }

    @Test
    void a_body_that_is_sent_is_bounded_by_the_step() throws SQLException {
        String post = "df.http('" + service.url("/text") + "', 'POST', 'hello')";
        assertThat(app.run(with(post, "{\"max_request_bytes\": 5}")).status()).isEqualTo("completed");
        int before = service.received("/text").size();
        assertThat(app.run(with(post, "{\"max_request_bytes\": 4}")).output())
                .contains("the body of the request has 5 bytes, more than max_request_bytes (4)");
        assertThat(service.received("/text")).hasSize(before);
    }

    @Test
    void the_body_of_the_answer_need_not_be_kept() throws SQLException {
        var metadata = app.result(
                app.run(with(get("/big"), "{\"response\": \"metadata\"}")).id());
        assertThat(metadata.path("status").asInt()).isEqualTo(200);
        assertThat(metadata.path("body").isNull()).isTrue();
        assertThat(metadata.path("body_bytes").asInt()).isEqualTo(100_000);
        assertThat(metadata.path("headers").path("content-type").asText()).isEqualTo("text/plain");

        var discarded = app.result(
                app.run(with(get("/big"), "{\"response\": \"discard\"}")).id());
        assertThat(discarded.path("ok").asBoolean()).isTrue();
        assertThat(discarded.path("body").isNull()).isTrue();
        assertThat(discarded.path("headers").isEmpty()).isTrue();
    }

    @Test
    void headers_of_the_answer_are_chosen() throws SQLException {
        assertThat(app.result(app.run(with(get("/cookie"), "{\"response_headers\": \"safe\"}"))
                                .id())
                        .path("headers")
                        .toString())
                .contains("etag")
                .doesNotContain("cookie");
        assertThat(app.result(app.run(with(get("/cookie"), "{\"response_headers\": [\"ETag\"]}"))
                                .id())
                        .path("headers")
                        .toString())
                .isEqualTo("{\"etag\":\"e1\"}");
        assertThat(app.result(app.run(with(get("/cookie"), "{\"response_headers\": \"all\"}"))
                                .id())
                        .path("headers")
                        .toString())
                .contains("set-cookie");
    }

    @Test
    void fields_are_sent_as_a_form_and_as_parts() throws SQLException {
        service.on("/form", 200, "text/plain", "ok");
        var ended = app.run("'SELECT ''a b&c=ü'' AS v' |=> 'r' ~> "
                + with("df.http('" + service.url("/form") + "')", "{\"form_fields\": {\"q\": \"$r.v\", \"n\": 7}}"));
        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        var received = service.received("/form").get(0);
        assertThat(received.header("content-type")).isEqualTo("application/x-www-form-urlencoded");
        assertThat(received.body().split("&")).containsExactlyInAnyOrder("q=a+b%26c%3D%C3%BC", "n=7");

        service.on("/parts", 200, "text/plain", "ok");
        app.run(with(
                "df.http_multipart('" + service.url("/parts")
                        + "', parts => ''[{\"name\": \"f\", \"data_b64\": \"aGk=\"}]'')".replace("''", "'"),
                "{\"form_fields\": {\"title\": \"the title\"}}"));
        assertThat(service.received("/parts").get(0).body())
                .contains("name=\"title\"", "the title", "name=\"f\"", "hi");
    }

    @Test
    void the_options_are_for_each_request_of_a_graph_and_the_inner_ones_stay() throws SQLException {
        String inner = with(get("/text"), "{\"response\": \"inline\"}");
        var ended = app.run(with(
                "(" + inner + " |=> 'a' ~> " + get("/text") + " |=> 'b' ~> 'SELECT $a.body AS a, $b.body? AS b')",
                "{\"response\": \"metadata\"}"));
        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(app.result(ended.id()).at("/rows/0/a").asText()).isEqualTo("0123456789");
        assertThat(app.result(ended.id()).at("/rows/0/b").isNull()).isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "df.with_http_options(NULL, '{}'); 22004",
                "df.with_http_options(df.http('http://h/'), NULL); 22004",
                "df.with_http_options('SELECT 1', '{}'); 22023",
                "df.with_http_options(df.http('http://h/'), '[]'); 22023",
                "df.with_http_options(df.http('http://h/'), '{\"nope\": 1}'); 22023",
                "df.with_http_options(df.http('http://h/'), '{\"max_request_bytes\": 0}'); 22023",
                "df.with_http_options(df.http('http://h/'), '{\"max_response_bytes\": -1}'); 22023",
                "df.with_http_options(df.http('http://h/'), '{\"max_response_bytes\": 99999999999}'); 22023",
                "df.with_http_options(df.http('http://h/'), '{\"max_response_bytes\": null}'); 22023",
                "df.with_http_options(df.http('http://h/'), '{\"response\": \"all\"}'); 22023",
                "df.with_http_options(df.http('http://h/'), '{\"response_headers\": [1]}'); 22023",
                "df.with_http_options(df.http('http://h/'), '{\"form_fields\": [1]}'); 22023",
                "df.with_http_options(df.http('http://h/', 'POST', 'x'), '{\"form_fields\": {\"a\": 1}}'); 22023",
                "df.with_http_options(df.http('http://h/', 'GET'), '{\"form_fields\": {\"a\": 1}}'); 22023",
                "df.start(df.with_http_options(df.http('http://h/'), '{\"form_fields\": {\"a\": \"$nope\"}}')); XX000",
                "df.start('{\"node_type\":\"HTTP\",\"query\":\"{\\\"url\\\":\\\"http://h/\\\",\\\"method\\\":\\\"GET\\\",\\\"options\\\":{\\\"nope\\\":1}}\"}'); XX000",
            })
    void bad_input_is_refused(String expression, String state) {
        assertThatThrownBy(() -> app.execute("SELECT " + expression))
                .isInstanceOfSatisfying(
                        SQLException.class,
                        e -> assertThat(e.getSQLState()).as(e.getMessage()).isEqualTo(state));
    }
}
