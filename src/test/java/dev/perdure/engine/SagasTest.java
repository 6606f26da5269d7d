package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.testing.HttpService;
import dev.perdure.testing.Looks;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** df.saga and df.with_undo, with a real worker. */
class SagasTest {

    /** Three steps, each with an undo that knows what its step has returned. */
    private static final String THREE = "df.with_undo(step('a') |=> 's', undo())"
            + " ~> df.with_undo(step('b') |=> 's', undo())"
            + " ~> df.with_undo(step('c') |=> 's', undo())";

    private static TestDatabase database;
    private static HttpService service;
    private static InProcessWorker worker;
    private static Submitter app;

    @BeforeAll
    static void open() throws SQLException {
        database = PostgresServer.get().newDatabase();
        service = new HttpService();
        app = Submitter.of(database, "saga_app");
        database.execute(PostgresServer.OWNER, "SELECT df.grant_usage('saga_app', include_http => true)");
        app.execute(
                "CREATE TABLE log (n serial, what text);"
                        + " CREATE TABLE gate (name text PRIMARY KEY);"
                        + " CREATE FUNCTION step(what text) RETURNS text LANGUAGE sql AS $$ SELECT format("
                        + "'INSERT INTO log (what) VALUES (''%s'') RETURNING what', what) $$;"
                        + " CREATE FUNCTION undo() RETURNS text LANGUAGE sql AS $$ SELECT"
                        + " 'INSERT INTO log (what) VALUES (''-'' || $s)' $$;"
                        + " CREATE FUNCTION pass(what text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN"
                        + " IF NOT EXISTS (SELECT FROM gate WHERE name = what) THEN RAISE EXCEPTION 'closed: %', what; END IF; RETURN true; END $$");
        start();
    }

    @AfterAll
    static void close() throws SQLException {
        worker.close();
        app.close();
        service.close();
    }

    private static void start() {
        worker = InProcessWorker.start(
                database, Map.of("perdure.http.allow", "localhost:" + service.port(), "perdure.http.egress", "listed"));
    }

    @BeforeEach
    void empty() throws SQLException {
        app.execute("TRUNCATE log RESTART IDENTITY; TRUNCATE gate");
    }

    private static String log() throws SQLException {
        return app.value("SELECT string_agg(what, ' ' ORDER BY n) FROM log");
    }

    private static String compensated(String id) throws SQLException {
        return app.value("SELECT compensated FROM df.instances WHERE id = ?", id);
    }

    private static void await(String query, String expected, Object... parameters) {
        Awaitility.await().pollInterval(Looks.OFTEN).untilAsserted(() -> assertThat(app.value(query, parameters))
                .contains(expected));
    }

    @Test
    void what_has_failed_is_undone_in_reverse_with_the_names_as_they_were() throws SQLException {
        var ended = app.run("df.saga(" + THREE + " ~> 'SELECT 1/0')");

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).endsWith("division by zero");
        assertThat(log()).isEqualTo("a b c -c -b -a");
        assertThat(compensated(ended.id())).isEqualTo("t");
        assertThat(app.value("SELECT df.explain(?)", ended.id())).contains("↶ compensated", "WITH UNDO ✓", "↶ undo:");
    }

    @Test
    void what_has_succeeded_is_not_undone() throws SQLException {
        var ended = app.run("df.saga(" + THREE + ") |=> 'r' ~> 'SELECT $r, $s' ~> df.catch('SELECT 1/0', 'SELECT 5')");

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(log()).isEqualTo("a b c");
        assertThat(compensated(ended.id())).isEqualTo("f");
    }

    @Test
    void a_failure_that_is_caught_was_undone_and_the_instance_completes() throws SQLException {
        var ended = app.run("df.catch(df.saga(" + THREE + " ~> 'SELECT 1/0'), 'SELECT $error.code AS code')");

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(ended.output()).contains("22012");
        assertThat(log()).isEqualTo("a b c -c -b -a");
        assertThat(compensated(ended.id())).isEqualTo("t");
    }

    @Test
    void a_cancel_undoes_out_of_reach_of_another_cancel() throws SQLException {
        String slow = "'SELECT pass(''slow'')'";
        String id = app.start("df.saga(df.with_undo(step('a') |=> 's', undo())"
                + " ~> df.with_undo(step('b'), df.retry(" + slow + ", NULL, '50 milliseconds', 1, '50 milliseconds'))"
                + " ~> df.wait_for_signal('go'))");
        await("SELECT string_agg(what, ' ' ORDER BY n) FROM log", "a b");
        app.value("SELECT df.cancel(?, 'enough')", id);
        await("SELECT df.explain(?)", "SAGA ↶ compensating", id);
        assertThat(app.value("SELECT count(*) FROM df.instances WHERE id = ? AND output IS NULL", id))
                .isEqualTo("1");
        assertThatThrownBy(() -> app.value("SELECT df.redrive(?)", id))
                .hasMessageContaining("what it has done is being undone");
        app.execute("INSERT INTO gate VALUES ('slow')");

        await("SELECT output FROM df.instances WHERE id = ?", "canceled: enough", id);
        assertThat(app.value("SELECT status FROM df.instances WHERE id = ?", id))
                .isEqualTo("cancelled");
        assertThat(log()).isEqualTo("a b -a");
        assertThat(compensated(id)).isEqualTo("t");
    }

    @Test
    void a_cancel_during_compensation_changes_only_the_status() throws SQLException {
        String id = app.start("df.saga(df.with_undo(step('a') |=> 's', undo())"
                + " ~> df.with_undo(step('b'), df.retry('SELECT pass(''slow'')', NULL, '50 milliseconds', 1, '50 milliseconds'))"
                + " ~> 'SELECT 1/0')");
        await("SELECT df.explain(?)", "↶ compensating", id);
        app.value("SELECT df.cancel(?, 'late')", id);
        app.execute("INSERT INTO gate VALUES ('slow')");

        await("SELECT output FROM df.instances WHERE id = ?", "canceled: late", id);
        assertThat(log()).isEqualTo("a b -a");
    }

    @ParameterizedTest
    @CsvSource({"false", "true"})
    void a_worker_that_ends_between_undos_is_followed_by_one_that_goes_on(boolean isCancelled) throws SQLException {
        String id = app.start("df.saga(df.with_undo(step('a') |=> 's', undo())"
                + " ~> df.with_undo(step('b'), df.retry('SELECT pass(''slow'')', NULL, '50 milliseconds', 1, '50 milliseconds'))"
                + " ~> df.with_undo(step('c') |=> 's', undo()) ~> "
                + (isCancelled ? "df.wait_for_signal('go'))" : "'SELECT 1/0')"));
        if (isCancelled) {
            await("SELECT string_agg(what, ' ' ORDER BY n) FROM log", "a b c");
            app.value("SELECT df.cancel(?, 'enough')", id);
        }
        await("SELECT string_agg(what, ' ' ORDER BY n) FROM log", "a b c -c");
        worker.close();
        app.execute("INSERT INTO gate VALUES ('slow')");
        start();

        await(
                "SELECT output FROM df.instances WHERE id = ?",
                isCancelled ? "canceled: enough" : "division by zero",
                id);
        assertThat(log()).isEqualTo("a b c -c -a");
        assertThat(compensated(id)).isEqualTo("t");
    }

    @Test
    void a_lost_race_and_a_time_that_is_over_undo_before_what_follows() throws SQLException {
        var raced = app.run("(df.saga(df.with_undo(step('a') |=> 's', undo()) ~> df.wait_for_signal('go'))"
                + " | df.wait_for_condition('SELECT EXISTS (SELECT FROM log)', '100 milliseconds')) ~> step('after')");
        assertThat(raced.status()).as(raced.output()).isEqualTo("completed");
        assertThat(log()).isEqualTo("a -a after");

        var limited = app.run("df.timeout(df.saga(df.with_undo(step('a') |=> 's', undo()) ~> df.wait_for_signal('go')),"
                + " '300 milliseconds', step('instead'))");
        assertThat(limited.status()).as(limited.output()).isEqualTo("completed");
        assertThat(log()).isEqualTo("a -a after a -a instead");
    }

    @Test
    void a_time_that_is_over_while_it_undoes_does_not_reach_the_undo() throws SQLException {
        var limited = app.run("df.timeout(df.saga(df.with_undo(step('a') |=> 's',"
                + " 'INSERT INTO log (what) SELECT ''-'' || $s FROM pg_sleep(0.5)') ~> 'SELECT 1/0'),"
                + " '200 milliseconds', step('instead'))");
        assertThat(limited.status()).as(limited.output()).isEqualTo("completed");
        assertThat(log()).isEqualTo("a -a instead");
    }

    @Test
    void the_deadline_of_an_instance_undoes_before_it_fails() throws SQLException {
        String id = app.value(
                "SELECT df.start(df.saga(df.with_undo(step('a') |=> 's', undo()) ~> df.wait_for_signal('go')),"
                        + " options => '{\"timeout\": \"500 ms\"}')");
        await("SELECT status FROM df.instances WHERE id = ?", "failed", id);
        assertThat(log()).isEqualTo("a -a");
        assertThat(app.value("SELECT output FROM df.instances WHERE id = ?", id))
                .startsWith("Timed out");
    }

    @Test
    void an_undo_that_is_given_up_is_told_the_others_run_and_a_redrive_tries_it_again() throws SQLException {
        String saga = "df.saga(df.with_undo(step('a') |=> 's', undo())"
                + " ~> df.with_undo(step('b'), df.retry('SELECT pass(''x'')', 1))"
                + " ~> df.with_undo(step('c') |=> 's', undo()) ~> 'SELECT pass(''forward'')')";
        long givenUp = worker.statistics().undosEnded(false);
        var ended = app.run(saga);
        assertThat(ended.status()).isEqualTo("failed");
        Awaitility.await().until(() -> worker.statistics().undosEnded(false) == givenUp + 1);
        assertThat(ended.output())
                .contains(
                        "closed: forward",
                        "(the undo of node ",
                        "was given up: ",
                        "closed: x (given up after 1 attempt)");
        assertThat(log()).isEqualTo("a b c -c -a");

        app.value("SELECT df.redrive(?)", ended.id());
        await(
                "SELECT status || output FROM df.instances WHERE id = ?",
                "failedThe saga does not begin again",
                ended.id());
        assertThat(log()).isEqualTo("a b c -c -a");

        app.execute("INSERT INTO gate VALUES ('x'), ('forward')");
        app.value("SELECT df.redrive(?)", ended.id());
        await("SELECT status FROM df.instances WHERE id = ?", "completed", ended.id());
        assertThat(log()).isEqualTo("a b c -c -a a b c");
    }

    @Test
    void what_was_undone_is_done_again_by_a_redrive_and_undone_again() throws SQLException {
        var ended = app.run("'SELECT 1' ~> df.saga(" + THREE + " ~> 'SELECT 1/0')");
        app.value("SELECT df.redrive(?)", ended.id());
        await("SELECT string_agg(what, ' ' ORDER BY n) FROM log", "a b c -c -b -a a b c -c -b -a");
        await("SELECT status FROM df.instances WHERE id = ?", "failed", ended.id());
    }

    @Test
    void a_request_is_undone_although_its_outcome_was_a_failure_when_that_was_registered_before() throws SQLException {
        service.on("/charge", 500, "text/plain", "no").on("/refund", 200, "text/plain", "ok");
        var ended = app.run("df.saga(df.with_undo(df.http('" + service.url("/charge") + "', 'POST', expect => '2xx'),"
                + " df.http('" + service.url("/refund") + "', 'POST'), 'before'))");

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(service.received("/refund")).hasSize(1);
    }

    @Test
    void an_undo_is_tried_until_it_succeeds_and_an_error_of_the_service_is_a_failure() throws SQLException {
        AtomicInteger asked = new AtomicInteger();
        service.on(
                "/giveback",
                (exchange, request) ->
                        HttpService.respond(exchange, asked.incrementAndGet() < 3 ? 500 : 200, "text/plain", "later"));
        long before = worker.statistics().undosEnded(true);
        var ended = app.run("df.saga(df.with_undo(step('a') |=> 's', df.http('" + service.url("/giveback")
                + "', 'POST')) ~> df.with_undo(step('b') |=> 's', undo()) ~> 'SELECT 1/0')");

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).endsWith("division by zero").doesNotContain("given up");
        assertThat(service.received("/giveback")).hasSize(3);
        assertThat(service.received("/giveback").stream()
                        .map(request -> request.header("idempotency-key"))
                        .distinct())
                .doesNotContainNull()
                .hasSize(1);
        assertThat(log()).isEqualTo("a b -b");
        // The worker hears a moment later than everybody that it has ended.
        Awaitility.await().until(() -> worker.statistics().undosEnded(true) == before + 2);
    }

    @Test
    void rounds_and_branches_are_undone_each() throws SQLException {
        var ended =
                app.run("df.saga((df.with_undo(step('a') |=> 's', undo()) & df.with_undo(step('b') |=> 's', undo()))"
                        + " ~> df.loop(df.with_undo('INSERT INTO log (what) SELECT ''r'' || count(*) FROM log RETURNING what' |=> 's', undo()),"
                        + " 'SELECT count(*) < 4 FROM log', every => '0 seconds') ~> 'SELECT 1/0')");

        assertThat(ended.output()).endsWith("division by zero");
        assertThat(log()).matches("(a b|b a) r2 r3 -r3 -r2 (-a -b|-b -a)");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '#',
            value = {
                "df.with_undo('SELECT 1', 'SELECT 2', 'later') # register must be after or before",
                "df.with_undo('SELECT 1', NULL) # undo",
                "df.saga(NULL) # node",
                "df.start(df.with_undo('SELECT 1', 'SELECT 2')) # stands outside of df.saga",
                "df.start(df.saga(df.with_undo('SELECT 1', df.saga('SELECT 2')))) # df.saga in an undo",
                "df.start(df.saga(df.with_undo('SELECT 1', df.with_undo('SELECT 2', 'SELECT 3')))) # df.with_undo in an undo",
                "df.start(df.loop(df.saga(df.with_undo('SELECT 1', df.break())))) # df.break() in an undo",
                "df.start(df.saga(df.with_undo('SELECT 1', df.map('SELECT 1', 'SELECT 2')))) # df.map in an undo",
                "df.start(df.map('SELECT 1', df.saga('SELECT 2'))) # df.saga in what df.map does",
                "df.start('{\"node_type\":\"SAGA\",\"left_node\":{\"node_type\":\"WITH_UNDO\",\"query\":\"{}\",\"left_node\":{\"node_type\":\"SQL\",\"query\":\"SELECT 1\"},\"right_node\":{\"node_type\":\"SQL\",\"query\":\"SELECT 2\"}}}') # register of WITH_UNDO"
            })
    void what_cannot_be_is_refused_with_the_reason(String expression, String reason) {
        assertThatThrownBy(() -> app.value("SELECT " + expression)).hasMessageContaining(reason);
    }

    @Test
    void a_loop_of_its_own_in_an_undo_may_be_left() throws SQLException {
        var ended = app.run("df.saga(df.with_undo(step('a'), df.loop(step('u') ~> df.break())) ~> 'SELECT 1/0')");
        assertThat(ended.output()).endsWith("division by zero");
        assertThat(log()).isEqualTo("a u");
    }

    @AfterEach
    void nothing_is_left() throws SQLException {
        assertThat(app.value("SELECT count(*) FROM df.instances WHERE status IN ('pending', 'running')"))
                .isEqualTo("0");
    }
}
