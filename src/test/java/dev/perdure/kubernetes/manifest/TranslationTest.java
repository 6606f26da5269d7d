package dev.perdure.kubernetes.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each kind of step is, character by character, what the builders in a real PostgreSQL print. */
class TranslationTest {

    private static Connection session;

    @BeforeAll
    static void begin() throws SQLException {
        TestDatabase database = PostgresServer.get().newDatabase();
        session = database.connect(database.createUser("translator"));
        database.execute(PostgresServer.OWNER, "SELECT df.grant_usage('translator', true)");
    }

    @AfterAll
    static void end() throws SQLException {
        session.close();
    }

    @Test
    void sql() throws SQLException {
        same("[{sql: SELECT 1}]", "df.sql('SELECT 1')");
        same(
                "[{sql: \"SELECT 'a\\\\b', \\\"c\\\",\\n\\t2 -- é 😀 \\x7f\\x1b\"}]",
                "df.sql(E'SELECT ''a\\\\b'', \"c\",\\n\\t2 -- é 😀 \\x7f\\x1b')");
        same("[{sql: SELECT 1, name: one}]", "'SELECT 1' |=> 'one'");
        same(
                "[{sql: 'SELECT $1, $2', params: [$order.id, \"it's \\\"{v}\\\"\"], name: one}]",
                "df.sql('SELECT $1, $2', '$order.id', 'it''s \"{v}\"') |=> 'one'");
        same(
                "[{sql: '{\"node_type\":\"SLEEP\",\"query\":\"1\"}'}]",
                "df.sql('{\"node_type\":\"SLEEP\",\"query\":\"1\"}')");
    }

    @Test
    void each_row() throws SQLException {
        same(
                "[{map: {items: SELECT 1 AS id, steps: [{sql: 'SELECT $item.id'}]}, name: r}]",
                "df.map('SELECT 1 AS id', 'SELECT $item.id') |=> 'r'");
        same(
                "[{sql: SELECT 1 AS id, name: few}, {map: {items: $few, steps: [{sql: 'SELECT $x'}, {sleep: 1}], item: x, maxConcurrent: 3,"
                        + " batchSize: 2, onFailure: tolerate, tolerate: '2%'}}]",
                "'SELECT 1 AS id' |=> 'few' ~> df.map('$few', 'SELECT $x' ~> df.sleep(1), 'x', 3, 2, 'tolerate', '2%')");
    }

    @Test
    void steps_that_have_a_time_limit() throws SQLException {
        same(
                "[{timeout: {steps: [{sql: SELECT 1}, {sql: SELECT 2}], within: 1h30m, otherwise: [{sql: SELECT 3}]}, name: r}]",
                "df.timeout('SELECT 1' ~> 'SELECT 2', '90 min', 'SELECT 3') |=> 'r'");
        same("[{timeout: {steps: [{sql: SELECT 1}], within: 500ms}}]", "df.timeout('SELECT 1', '0.5 s')");
    }

    @Test
    void what_is_undone() throws SQLException {
        same(
                "[{saga: [{sql: SELECT 1, name: a, undo: [{sql: SELECT 2}]}, {sql: SELECT 3}]}]",
                "df.saga(df.with_undo('SELECT 1' |=> 'a', 'SELECT 2') ~> 'SELECT 3')");
        same(
                "[{saga: [{sql: SELECT 1, registerUndo: before, undo: [{retry: {steps: [{sql: SELECT 2}], maxAttempts: 4}}]}]}]",
                "df.saga(df.with_undo('SELECT 1', df.retry('SELECT 2', 4), 'before'))");
    }

    @Test
    void failures_that_are_handled() throws SQLException {
        same(
                "[{catch: {steps: [{sql: SELECT 1}, {sql: SELECT 2}], handler: [{sql: 'SELECT $error'}]}, name: r}]",
                "df.catch('SELECT 1' ~> 'SELECT 2', 'SELECT $error') |=> 'r'");
        same(
                "[{catch: {steps: [{http: {url: 'http://h/', expect: '2xx,404'}}], handler: [{sql: SELECT 2}], codes: ['23', 'http:5xx', timeout]}}]",
                "df.catch(df.http('http://h/', expect => '2xx,404'), 'SELECT 2', '{23,http:5xx,timeout}')");
    }

    @Test
    void a_sequence() throws SQLException {
        same(
                "[{sql: SELECT 1, name: a}, {sql: SELECT 2}, {sql: SELECT 3, name: c}]",
                "('SELECT 1' |=> 'a') ~> 'SELECT 2' ~> ('SELECT 3' |=> 'c')");
        same("[{steps: [{sql: SELECT 1}, {sql: SELECT 2}], name: both}]", "('SELECT 1' ~> 'SELECT 2') |=> 'both'");
        same(
                "[{sql: SELECT 1}, {steps: [{sql: SELECT 2}, {sql: SELECT 3}]}]",
                "'SELECT 1' ~> ('SELECT 2' ~> 'SELECT 3')");
    }

    @Test
    void options_of_a_request() throws SQLException {
        same(
                """
                [{http: {url: 'http://h/', method: GET, expect: 2xx, httpOptions: {maxResponseBytes: 10000, response: metadata,
                  responseHeaders: [ETag, Link]}}}]""",
                "df.with_http_options(df.http('http://h/', 'GET', expect => '2xx'),"
                        + " '{\"max_response_bytes\": 10000, \"response\": \"metadata\", \"response_headers\": [\"ETag\", \"Link\"]}')");
        same(
                "[{http: {url: 'http://h/', httpOptions: {maxRequestBytes: 5, responseHeaders: safe, formFields: {grant_type: \"{kind}\", n: 7}}}}]",
                "df.with_http_options(df.http('http://h/'),"
                        + " '{\"max_request_bytes\": 5, \"response_headers\": \"safe\", \"form_fields\": {\"grant_type\": \"{kind}\", \"n\": 7}}')");
        same(
                "[{multipart: {url: 'http://h/', parts: [{name: a, data_b64: eA==}], httpOptions: {response: discard, formFields: {b: true}}}}]",
                "df.with_http_options(df.http_multipart('http://h/', parts => '[{\"name\": \"a\", \"data_b64\": \"eA==\"}]'),"
                        + " '{\"response\": \"discard\", \"form_fields\": {\"b\": true}}')");
    }

    @Test
    void http() throws SQLException {
        same("[{http: {url: 'https://example.com/a'}}]", "df.http('https://example.com/a')");
        same(
                """
                - name: answer
                  http:
                    url: https://example.com/{path}
                    method: put
                    body: '{"a": "$b"}'
                    headers: {Longer-Name: "a\\"b", Zeta: x, Abc: 1, Flag: true, Real: 1.50, Big: 12345678901234567890, Small: 0.0001}
                    timeoutSeconds: 5
                """,
                """
                df.http('https://example.com/{path}', 'put', '{"a": "$b"}',
                        '{"Longer-Name": "a\\"b", "Zeta": "x", "Abc": 1, "Flag": true, "Real": 1.5,
                          "Big": 12345678901234567890, "Small": 0.0001}', 5) |=> 'answer'
                """);
        same(
                "[{http: {url: 'http://h/', method: GET, body: {text: a, numbers: [1, 2.5, null]}}}]",
                "df.http('http://h/', 'GET', df._compact('{\"text\": \"a\", \"numbers\": [1, 2.5, null]}'))");
    }

    @Test
    void multipart() throws SQLException {
        same(
                """
                - multipart:
                    url: https://example.com/upload
                    parts:
                      - {name: file, filename: a.txt, content_type: text/plain, data_b64: "w6kK"}
                      - {name: n, data_b64: "MQ=="}
                    headers: {X-Id: 7}
                """,
                """
                df.http_multipart('https://example.com/upload', parts => '[
                    {"name": "file", "filename": "a.txt", "content_type": "text/plain", "data_b64": "w6kK"},
                    {"name": "n", "data_b64": "MQ=="}]', headers => '{"X-Id": 7}')
                """);
    }

    @Test
    void sleep() throws SQLException {
        same("[{sleep: 90s}]", "df.sleep(90)");
        same("[{sleep: 90}]", "df.sleep(90)");
        same("[{sleep: 1d2h30m}]", "df.sleep(95400)");
        same("[{sleep: 0s, name: pause}]", "df.sleep(0) |=> 'pause'");
    }

    @Test
    void schedule() throws SQLException {
        same("[{schedule: {cron: '*/5 9-17 * * mon-fri'}}]", "df.wait_for_schedule('*/5 9-17 * * mon-fri')");
        same(
                "[{schedule: {cron: '@daily', timeZone: europe/berlin}}]",
                "df.wait_for_schedule('@daily', 'Europe/Berlin')");
        same("[{schedule: {cron: '0 3 * * *', timeZone: utc}}]", "df.wait_for_schedule('0 3 * * *', 'UTC')");
    }

    @Test
    void until() throws SQLException {
        same("[{until: {sql: SELECT true}}]", "df.wait_for_condition('SELECT true')");
        same(
                "[{until: {sql: SELECT true, every: 500ms}, name: u}]",
                "df.wait_for_condition('SELECT true', '0.5 s') |=> 'u'");
        assertThatThrownBy(() -> translate("[{until: {sql: SELECT true, every: 0}}]"))
                .hasMessageContaining("spec.steps[0].until.every: expected a duration from 100 ms to ten years");
    }

    @Test
    void withQueue() throws SQLException {
        same(
                "[{withQueue: {steps: [{sql: SELECT 1}], queue: mail}, name: m}]",
                "df.with_queue('SELECT 1', 'mail') |=> 'm'");
        same(
                "[{sql: SELECT 1 AS a, name: r}, {withQueue: {steps: [{sql: SELECT 2}, {sleep: 3}], queue: mail, key: $r.a}}]",
                "('SELECT 1 AS a' |=> 'r') ~> df.with_queue('SELECT 2' ~> df.sleep(3), 'mail', '$r.a')");
        assertThatThrownBy(() -> translate("[{withQueue: {steps: [{sql: SELECT 1}]}}]"))
                .hasMessageContaining("queue");
        assertThatThrownBy(() -> translate("[{withQueue: {steps: [{sql: SELECT 1}], queue: mail, key: 7}}]"))
                .hasMessageContaining("spec.steps[0].withQueue.key: expected a text");
    }

    @Test
    void call() throws SQLException {
        same("[{call: {name: invoice}}]", "df.call('invoice')");
        same(
                "[{call: {name: invoice, args: {order: 7, note: [1, x]}, version: 2}, name: i}]",
                "df.call('invoice', '{\"note\": [1, \"x\"], \"order\": 7}', 2) |=> 'i'");
        assertThatThrownBy(() -> translate("[{call: {name: invoice, args: [1]}}]"))
                .hasMessageContaining("spec.steps[0].call.args: expected an object");
    }

    @Test
    void signal() throws SQLException {
        same("[{signal: {name: approve}}]", "df.wait_for_signal('approve')");
        same("[{signal: {name: approve, timeout: 24h}, name: who}]", "df.wait_for_signal('approve', 86400) |=> 'who'");
    }

    @Test
    void wait_for_event() throws SQLException {
        same(
                "[{sql: SELECT 1, name: p}, {waitForEvent: {instance: $p.id, name: ready}}]",
                "'SELECT 1' |=> 'p' ~> df.wait_for_event('$p.id', 'ready')");
        same(
                "[{waitForEvent: {instance: '{child}', name: ready, timeout: 24h}, name: e}]",
                "df.wait_for_event('{child}', 'ready', 86400) |=> 'e'");
        assertThatThrownBy(() -> translate("[{waitForEvent: {instance: ' ', name: ready}}]"))
                .hasMessageContaining("spec.steps[0].waitForEvent.instance");
    }

    @Test
    void activity_and_approval() throws SQLException {
        same("[{activity: {kind: thumbnail}}]", "df.activity('thumbnail')");
        same(
                "[{activity: {kind: thumbnail, payload: {id: '{n}'}, lease: 5m, maxAttempts: 3}, name: a}]",
                "df.activity('thumbnail', '{\"id\":\"{n}\"}', '5 minutes', 3) |=> 'a'");
        same(
                "[{approval: {title: 'Pay?', assignees: [a, b], payload: '{}', quorum: 2, notSubmitter: true, within: 2d,"
                        + " otherwise: [{sql: SELECT 1}]}}]",
                "df.approval('Pay?', '{a,b}', '{}', '2 days', 'SELECT 1', 2, true)");
        assertThatThrownBy(() -> translate("[{activity: {kind: x, lease: 60d}}]"))
                .hasMessageContaining("spec.steps[0].activity.lease")
                .hasMessageContaining("one second to thirty days");
        assertThatThrownBy(() -> translate("[{approval: {title: x, assignees: []}}]"))
                .hasMessageContaining("spec.steps[0].approval.assignees");
    }

    @Test
    void a_signal_that_could_never_be_sent_is_refused() throws SQLException {
        same("[{signal: {name: " + "x".repeat(1024) + "}}]", "df.wait_for_signal(repeat('x', 1024))");
        assertThatThrownBy(() -> translate("[{signal: {name: " + "x".repeat(1025) + "}}]"))
                .hasMessageContaining("spec.steps[0].signal.name: longer than 1024 bytes");
    }

    @Test
    void a_choice() throws SQLException {
        same(
                "[{if: {condition: SELECT true, then: [{sql: SELECT 1}, {sql: SELECT 2}], else: [{sql: SELECT 3}]}}]",
                "df.if('SELECT true', 'SELECT 1' ~> 'SELECT 2', 'SELECT 3')");
        same(
                "[{if: {condition: {hasRows: batch}, then: [{sql: SELECT 1}], else: [{break: {}}]}, name: x}]",
                "df.if_rows('batch', 'SELECT 1', df.break()) |=> 'x'");
        same(
                "[{if: {condition: SELECT true, then: [{sql: SELECT 1}]}}]",
                "df.if('SELECT true', 'SELECT 1', '" + IfKind.NOTHING + "')");
    }

    @Test
    void parallel_branches() throws SQLException {
        same(
                "[{parallel: [[{sql: SELECT 1}], [{sql: SELECT 2}, {sql: SELECT 3}]]}]",
                "'SELECT 1' & ('SELECT 2' ~> 'SELECT 3')");
        same(
                "[{parallel: [[{sql: SELECT 1, name: a}], [{sql: SELECT 2}], [{sql: SELECT 3}]], name: all}]",
                "df.join3('SELECT 1' |=> 'a', 'SELECT 2', 'SELECT 3') |=> 'all'");
    }

    @Test
    void more_parallel_branches_than_a_builder_takes_are_one_join_that_df_start_takes() throws SQLException {
        String graph = translate(
                "[{parallel: [[{sql: SELECT 1}], [{sql: SELECT 2}], [{sql: SELECT 3}], [{sql: SELECT 4}], [{sql: SELECT 5}]]}]");

        assertThat(graph).startsWith("{\"node_type\":\"JOIN\",").contains("\"extra_nodes\":[");
        assertThat(value("SELECT df._parse_root(?)", graph)).isEqualTo(graph);
        assertThat(value("SELECT coalesce(problem, cardinality(node_types)::text) FROM df._graph(?)", graph))
                .isEqualTo("6");
    }

    @Test
    void races() throws SQLException {
        same("[{race: [[{sql: SELECT 1}], [{sleep: 5s}]]}]", "'SELECT 1' | df.sleep(5)");
        same(
                "[{race: [[{sql: SELECT 1}], [{sql: SELECT 2}], [{sql: SELECT 3}]], name: first}]",
                "('SELECT 1' | 'SELECT 2' | 'SELECT 3') |=> 'first'");
    }

    @Test
    void loops_and_breaks() throws SQLException {
        same("[{loop: {steps: [{sql: SELECT 1}, {break: {}}]}}]", "@> ('SELECT 1' ~> df.break())");
        same(
                "[{loop: {steps: [{sql: SELECT 1}], while: SELECT false}, name: l}]",
                "df.loop('SELECT 1', 'SELECT false') |=> 'l'");
        same("[{loop: {steps: [{sql: SELECT 1}], every: 5m}}]", "df.loop('SELECT 1', every => '5 min')");
        same(
                "[{loop: {steps: [{sql: SELECT 1}], while: SELECT false, every: 0}}]",
                "df.loop('SELECT 1', 'SELECT false', every => '0')");
        same(
                "[{loop: {steps: [{sql: SELECT 1}], continueOnFailure: true, every: 5m}}]",
                "df.loop('SELECT 1', continue_on_failure => true, every => '5 min')");
        same("[{loop: {steps: [{sql: SELECT 1}], continueOnFailure: false}}]", "df.loop('SELECT 1')");
        same("[{loop: {steps: [{break: done}]}}]", "df.loop(df.break('done'))");
        same("[{loop: {steps: [{break: 42}]}}]", "df.loop(df.break('42'))");
        same("[{loop: {steps: [{break: true}]}}]", "df.loop(df.break('true'))");
        same("[{loop: {steps: [{break: 'a \"b\"'}]}}]", "df.loop(df.break('a \"b\"'))");
    }

    @Test
    void retries() throws SQLException {
        same("[{retry: {steps: [{sql: x}]}}]", "df.retry('x')");
        same(
                "[{retry: {steps: [{sql: x}, {sql: y}], maxAttempts: 5, initialDelay: 500ms, backoff: 1.5, maxDelay: 1d,"
                        + " retryOn: ['40', 'http:5xx']}, name: r}]",
                "df.retry('x' ~> 'y', 5, '500 ms', 1.5, '1 day', '{40,http:5xx}') |=> 'r'");
    }

    @Test
    void a_long_list_stays_within_the_depth_that_df_start_takes() throws SQLException {
        String steps = IntStream.range(0, 500)
                .mapToObj(i -> "{sql: SELECT " + i + "}")
                .collect(Collectors.joining(", ", "[", "]"));

        assertThat(value("SELECT coalesce(problem, cardinality(node_types)::text) FROM df._graph(?)", translate(steps)))
                .isEqualTo("999");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "[]                                              | spec.steps: the list of steps is empty",
                "[{}]                                            | spec.steps[0]: the step has no kind",
                "[{name: a}]                                     | break: {}",
                "[{sql: SELECT 1}, {sql: SELECT 1, sleep: 1s}]   | spec.steps[1]: the step has more than one kind: sleep, sql",
                "[{slq: SELECT 1}]                               | spec.steps[0]: unknown kind of step 'slq': there are activity, approval, break,",
                "[{sleep: 1s, params: [a]}]                      | spec.steps[0].params: only a step with sql has parameters",
                "[{sql: SELECT $1, params: a}]                   | spec.steps[0].params: expected a list of the values of $1",
                "[{sql: SELECT $1, params: [7]}]                 | spec.steps[0].params[0]: expected a text, found a number",
                "[{sql: SELECT 1, name: 1a}]                     | spec.steps[0].name: not a name",
                "[{sql: 5}]                                      | spec.steps[0].sql: expected a text, found a number",
                "[{sql: ' '}]                                    | spec.steps[0].sql: must not be empty",
                "[{steps: [{sql: SELECT 1, name: a}], name: b}]  | spec.steps[0].name: the only step inside has the name 'a' already",
                "[{sleep: 5 minutes}]                            | spec.steps[0].sleep: expected a duration such as 90s",
                "[{sleep: 500ms}]                                | spec.steps[0].sleep: expected whole seconds",
                "[{sleep: ''}]                                   | spec.steps[0].sleep: expected a duration",
                "[{http: {url: 'ftp://h/'}}]                     | spec.steps[0].http.url: only http and https are allowed",
                "[{http: {url: 'http://h/', method: TRACE}}]     | spec.steps[0].http.method: expected one of GET, POST",
                "[{http: {url: 'http://h/', header: {}}}]        | spec.steps[0].http.header: unknown field",
                "[{http: {url: 'http://h/', headers: {a: []}}}]  | spec.steps[0].http.headers.a: expected a text",
                "[{http: {url: 'http://h/', timeoutSeconds: 0}}] | spec.steps[0].http.timeoutSeconds: expected a whole number",
                "[{http: {url: 'http://h/', httpOptions: {maxBytes: 1}}}] | spec.steps[0].http.httpOptions.maxBytes: unknown field: there are maxRequestBytes",
                "[{http: {url: 'http://h/', httpOptions: 5}}] | spec.steps[0].http.httpOptions: expected an object with maxRequestBytes",
                "[{http: {url: 'http://h/', httpOptions: {maxRequestBytes: 0}}}] | spec.steps[0].http.httpOptions.maxRequestBytes: expected a whole number of at least 1",
                "[{http: {url: 'http://h/', httpOptions: {response: all}}}] | spec.steps[0].http.httpOptions.response: expected inline, metadata or discard",
                "[{http: {url: 'http://h/', httpOptions: {responseHeaders: [5]}}}] | spec.steps[0].http.httpOptions.responseHeaders: expected all, safe or a list of names",
                "[{http: {url: 'http://h/', httpOptions: {formFields: {a: []}}}}] | spec.steps[0].http.httpOptions.formFields.a: expected a text",
                "[{http: {url: 'http://h/', body: x, httpOptions: {formFields: {a: b}}}}] | spec.steps[0].http.httpOptions.formFields: the request has a body already",
                "[{http: {url: 'http://h/', method: get, httpOptions: {formFields: {a: b}}}}] | spec.steps[0].http.httpOptions.formFields: a GET request has no form",
                "[{multipart: {url: 'http://h/', parts: []}}]    | spec.steps[0].multipart.parts: expected a list of at least one",
                "[{multipart: {url: 'http://h/'}}]               | spec.steps[0].multipart: 'parts' is missing",
                "[{multipart: {url: 'http://h/', parts: [{name: a, data: eA==}]}}] | spec.steps[0].multipart.parts[0].data: unknown field: there are name, data_b64, filename, content_type",
                "[{multipart: {url: 'http://h/', parts: [{name: a}]}}] | spec.steps[0].multipart.parts[0]: 'data_b64' is missing",
                "[{multipart: {url: 'http://h/', parts: [{data_b64: eA==}]}}] | spec.steps[0].multipart.parts[0]: 'name' is missing",
                "[{multipart: {url: 'http://h/', parts: [5]}}] | spec.steps[0].multipart.parts[0]: expected an object with name, data_b64, filename, content_type, found a number",
                "[{multipart: {url: 'http://h/', parts: [{name: a, data_b64: 5}]}}] | spec.steps[0].multipart.parts[0].data_b64: expected a text, found a number",
                "[{multipart: {url: 'http://h/', parts: [{name: a, data_b64: hello}]}}] | spec.steps[0].multipart.parts[0].data_b64: neither base64 nor one reference",
                "[{multipart: {url: 'http://h/', parts: [{name: a, data_b64: x$r}]}}] | spec.steps[0].multipart.parts[0].data_b64: data_b64 for part 'a' mixes a variable reference with other text",
                "[{multipart: {url: 'http://h/', parts: [{name: a, data_b64: '', content_type: text}]}}] | spec.steps[0].multipart.parts[0].content_type: 'text' is not a media type",
                "[{multipart: {url: 'http://h/', parts: [{name: a, data_b64: '', filename: [x]}]}}] | spec.steps[0].multipart.parts[0].filename: expected a text, found a list",
                "[{schedule: {cron: '61 * * * *'}}]              | spec.steps[0].schedule.cron: '61 * * * *' is no cron expression",
                "[{schedule: {cron: '* * * * *', timeZone: X}}]  | spec.steps[0].schedule.timeZone: unknown time zone 'X'",
                "[{saga: [{sql: SELECT 1, registerUndo: before}]}] | spec.steps[0].saga[0].registerUndo: the step has no undo",
                "[{saga: [{sql: SELECT 1, registerUndo: x, undo: [{sql: SELECT 1}]}]}] | spec.steps[0].saga[0].registerUndo: expected after or before",
                "[{signal: {name: ''}}]                          | spec.steps[0].signal.name: must not be empty",
                "[{signal: {name: a, timeout: 0s}}]              | spec.steps[0].signal.timeout: expected a duration from 1 second",
                "[{if: {condition: SELECT 1, then: [{x: 1}]}}]   | spec.steps[0].if.then[0]: unknown kind of step 'x'",
                "[{if: {condition: {rows: a}, then: [{sql: S}]}}]| spec.steps[0].if.condition.rows: unknown field",
                "[{if: {then: [{sql: SELECT 1}]}}]               | spec.steps[0].if: 'condition' is missing",
                "[{parallel: [[{sql: SELECT 1}]]}]               | spec.steps[0].parallel: expected a list of at least two branches",
                "[{parallel: [[{sql: S}], [{sql: S}, 5]]}]       | spec.steps[0].parallel[1][1]: expected a step such as {sql: …}, found a number",
                "[{race: [[{sql: S}], {sql: S}]}]                | spec.steps[0].race[1]: expected a list of steps, found an object",
                "[{loop: {while: SELECT 1}}]                     | spec.steps[0].loop: 'steps' is missing",
                "[{retry: {steps: [{sql: S}], backoff: 0.5}}]    | spec.steps[0].retry.backoff: expected a number from 1",
                "[{retry: {steps: [{sql: S}], retryOn: [4]}}]    | spec.steps[0].retry.retryOn[0]: '4' is no SQLSTATE",
                "[{retry: {steps: [{sql: S}], maxAttempts: 0}}]  | spec.steps[0].retry.maxAttempts: expected a whole number",
                "[{break: [1]}]                                  | spec.steps[0].break: expected a text, a number, a boolean or {}",
            })
    void what_means_no_workflow_is_refused_with_its_place(String steps, String problem) {
        try {
            translate(steps);
        } catch (InvalidSteps e) {
            assertThat(e.getMessage()).contains(problem);
            return;
        }
        throw new AssertionError("translated: " + steps);
    }

    @Test
    void the_cron_expressions_are_those_that_the_database_takes() throws SQLException {
        for (String cron : new String[] {
            "* * * * *",
            "0 0 1 1 0",
            "0 0 * * 7",
            "*/15 0-23/2 1,15 jan-mar sun",
            "@hourly",
            "@reboot",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 8",
            "5-1 * * * *",
            "*/0 * * * *",
            "* * * *",
            "* * * * * *",
            "* * * foo *",
            "1,,2 * * * *",
            "a * * * *",
            "  0 1 * * *  ",
            "0 0 * * SUN,Mon",
            "-1 * * * *",
            "1-2-3 * * * *"
        }) {
            assertThat(CronText.isValid(cron)).as(cron).isEqualTo("t".equals(value("SELECT df._valid_cron(?)", cron)));
        }
    }

    /** So that tests need not say that nothing is wrong. */
    private static final class InvalidSteps extends RuntimeException {
        private static final long serialVersionUID = 1L;

        InvalidSteps(InvalidDefinitionException cause) {
            super(cause.getMessage(), cause);
        }
    }

    private static void same(String steps, String expression) throws SQLException {
        assertThat(translate(steps)).as(steps).isEqualTo(value("SELECT " + expression));
    }

    private static String translate(String steps) {
        try {
            return StepList.translate(
                    Serialization.unmarshal("---\n" + steps, JsonNode.class), new Place("spec.steps"));
        } catch (InvalidDefinitionException e) {
            throw new InvalidSteps(e);
        }
    }

    private static String value(String sql, Object... parameters) throws SQLException {
        return String.valueOf(TestDatabase.rows(session, sql, parameters).get(0).get(0));
    }
}
