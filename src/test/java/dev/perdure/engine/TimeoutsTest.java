package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.perdure.testing.HttpService;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** df.timeout with a real worker. */
@SuppressWarnings("try")
class TimeoutsTest {

    private TestDatabase database;
    private Submitter app;

    @BeforeEach
    void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        app = Submitter.of(database, "limit_app");
        app.execute("CREATE TABLE log (what text, at timestamptz DEFAULT clock_timestamp())");
    }

    @AfterEach
    void end() throws SQLException {
        app.close();
    }

    @Test
    void a_statement_that_takes_too_long_is_cancelled_and_rolled_back_and_the_instance_fails() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var ended =
                    app.run("df.timeout('INSERT INTO log SELECT ''late'' FROM pg_sleep(60)', '300 ms') ~> 'SELECT 1'");

            assertThat(ended.status()).isEqualTo("failed");
            assertThat(ended.output()).isEqualTo("Timed out: not done within 0.3s");
            assertThat(app.value("SELECT count(*) FROM log")).isEqualTo("0");
            assertThat(app.value(
                            "SELECT status_details ->> 'code' FROM df.nodes WHERE instance_id = ? AND node_type = 'TIMEOUT'",
                            ended.id()))
                    .isEqualTo("timeout");
            assertThat(app.value(
                            "SELECT status_details ->> 'canceled' FROM df.nodes WHERE instance_id = ? AND query LIKE 'INSERT%'",
                            ended.id()))
                    .isEqualTo("timed out");
            assertThat(
                            database.rows(
                                    PostgresServer.OWNER,
                                    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND state = 'active' AND pid <> pg_backend_pid()"))
                    .isEqualTo(java.util.List.of(java.util.List.of("0")));
        }
    }

    /** What comes instead needs the row that the statement had locked. */
    @Test
    void what_runs_otherwise_finds_the_statement_rolled_back() throws SQLException {
        app.execute("CREATE TABLE one (id int PRIMARY KEY, n int); INSERT INTO one VALUES (1, 0)");
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var ended = app.run(
                    "df.timeout('WITH u AS (UPDATE one SET n = n + 100 RETURNING n) SELECT n FROM u, pg_sleep(60)', '300 ms',"
                            + " 'UPDATE one SET n = n + 1 RETURNING n') |=> 'r' ~> 'SELECT $r AS n'");
            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(app.value("SELECT n FROM one")).isEqualTo("1");
            assertThat(app.value("SELECT df.explain(?)", ended.id())).contains("TIMEOUT (0.3s) |=> 'r' ✓");
        }
    }

    @Test
    void what_is_done_in_time_is_not_disturbed_and_a_retry_gives_each_attempt_the_whole_time() throws SQLException {
        app.execute("CREATE SEQUENCE tries");
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var ended = app.run(
                    "df.retry(df.timeout('INSERT INTO log SELECT ''done'' FROM pg_sleep(CASE WHEN nextval(''tries'') < 3"
                            + " THEN 60 ELSE 0 END) RETURNING what', '200 ms'), 5, '10 ms', retry_on => '{timeout}')");
            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(app.value("SELECT last_value FROM tries")).isEqualTo("3");
            assertThat(app.value("SELECT count(*) FROM log")).isEqualTo("1");
        }
    }

    @Test
    void the_time_goes_on_while_no_worker_is_there() throws SQLException {
        String id;
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            id = app.start("df.catch(df.timeout(" + Submitter.GATE + " ~> 'INSERT INTO log VALUES (''late'')', '2 s'),"
                    + " 'INSERT INTO log VALUES ($error.code)', '{timeout}')");
            app.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ? AND node_type = 'SIGNAL'", id);
            assertThat(app.value(
                            "SELECT wake_at > now() AND wake_at < now() + interval '3 s' FROM df.nodes WHERE instance_id = ? AND node_type = 'TIMEOUT'",
                            id))
                    .isEqualTo("t");
        }
        app.open(id);
        app.awaitValue("t", "SELECT now() > wake_at FROM df.nodes WHERE instance_id = ? AND node_type = 'TIMEOUT'", id);
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            assertThat(app.await(id).status()).isEqualTo("completed");
            assertThat(app.value("SELECT string_agg(what, ',') FROM log")).isEqualTo("timeout");
        }
    }

    @Test
    void an_instance_that_is_not_done_by_its_deadline_fails_with_a_code_of_its_own() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            String slow = app.value(
                    "SELECT df.start('INSERT INTO log SELECT ''late'' FROM pg_sleep(60)', options => '{\"timeout\": \"300 ms\"}')");
            assertThat(app.await(slow).status()).isEqualTo("failed");
            assertThat(app.value("SELECT output FROM df.instances WHERE id = ?", slow))
                    .startsWith("Timed out: the deadline of the instance, 20");
            assertThat(app.value(
                            "SELECT status_details ->> 'code' FROM df.nodes n JOIN df.instances i ON i.id = n.instance_id AND i.root_node = n.id WHERE i.id = ?",
                            slow))
                    .isEqualTo("timeout");

            String past = app.value("SELECT df.start('SELECT 1', options => '{\"deadline\": \"2020-01-01\"}')");
            assertThat(app.await(past).status()).isEqualTo("failed");

            String done = app.value(
                    "SELECT df.start('SELECT 41 + 1 AS n', options => jsonb_build_object('deadline', now() + interval '1 hour', 'vars', '{\"v\": 1}'::jsonb))");
            assertThat(app.await(done).status()).isEqualTo("completed");
            assertThat(app.value("SELECT df.result(?)", done)).contains("42");
            assertThat(app.value("SELECT count(*) FROM log")).isEqualTo("0");
        }
    }

    @Test
    void a_loop_under_a_deadline_has_executions_and_ends_with_it() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            String id = app.value(
                    "SELECT df.start(df.loop('SELECT 1' ~> 'SELECT 2', every => '20 ms'), options => '{\"timeout\": \"5 s\"}')");
            assertThat(app.await(id).status()).isEqualTo("failed");
            assertThat(app.value("SELECT execution_count > 3 FROM df.instances WHERE id = ?", id))
                    .isEqualTo("t");
            assertThat(app.value("SELECT min(event_count) > 2 FROM df.executions WHERE instance_id = ?", id))
                    .isEqualTo("t");
        }
    }

    @Test
    void of_many_steps_that_end_at_their_limit_exactly_one_side_takes_effect() throws SQLException {
        app.execute("CREATE TABLE ledger (instance text, what text)");
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            for (int i = 0; i < 60; i++) {
                app.start("df.timeout('INSERT INTO ledger SELECT ''{sys_instance_id}'', ''step'' FROM pg_sleep("
                        + (0.1 + i % 10 * 0.004)
                        + ")', '120 ms', 'INSERT INTO ledger VALUES (''{sys_instance_id}'', ''other'')')");
            }
            app.awaitValue("0", "SELECT count(*) FROM df.instances WHERE status IN ('pending', 'running')");
            assertThat(app.value("SELECT count(*) FROM df.instances WHERE status = 'completed'"))
                    .isEqualTo("60");
            assertThat(app.value("SELECT concat(count(*), ' ', count(DISTINCT instance)) FROM ledger"))
                    .isEqualTo("60 60");
        }
    }

    @Test
    void a_request_that_takes_too_long_is_ended_and_its_node_says_that_it_may_have_happened() throws SQLException {
        database.execute(PostgresServer.OWNER, "SELECT df.grant_usage('limit_app', include_http => true)");
        try (HttpService service = new HttpService()) {
            service.on("/slow", (exchange, request) -> new Semaphore(0).acquire());
            try (InProcessWorker worker = InProcessWorker.start(
                    database,
                    Map.of("perdure.http.allow", "localhost:" + service.port(), "perdure.http.egress", "listed"))) {
                var ended = app.run(
                        "df.timeout(df.http('" + service.url("/slow")
                                + "') ~> 'INSERT INTO log VALUES (''answered'')', '700 ms', 'INSERT INTO log VALUES (''otherwise'')')");

                assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
                assertThat(app.value("SELECT string_agg(what, ',') FROM log")).isEqualTo("otherwise");
                assertThat(app.value(
                                "SELECT status || ': ' || error FROM df.nodes WHERE instance_id = ? AND node_type = 'HTTP'",
                                ended.id()))
                        .isEqualTo("failed: canceled: timed out (the request may have happened)");
                assertThat(app.value("SELECT df.explain(?)", ended.id()))
                        .contains("interrupted: timed out (the request may have happened)");
                assertThat(service.received("/slow")).hasSize(1);
                await().until(() -> worker.statistics().http().inFlight() == 0);
            }
        }
    }

    /**
     * The moment between the checkpoint of a step and the answer to its COMMIT: a deferred trigger holds it there until the limit is over,
     * whatever cancels it meanwhile, and lets it succeed or fail then.
     */
    @ParameterizedTest
    @CsvSource({"commits, step", "fails, otherwise"})
    void of_a_step_that_commits_while_its_limit_is_over_and_what_comes_instead_exactly_one_takes_effect(
            String outcome, String happens) throws SQLException {
        app.execute(
                """
                CREATE TABLE late (what text, outcome text);
                CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF new.what = 'step' THEN
                        SET CONSTRAINTS ALL DEFERRED;
                        PERFORM set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false);
                        INSERT INTO late VALUES ('behind the checkpoint', new.outcome);
                        RETURN NULL;
                    END IF;
                    PERFORM set_config('statement_timeout', '0', false);
                    WHILE clock_timestamp() < now() + interval '4.5 seconds' LOOP
                        BEGIN
                            PERFORM pg_sleep(0.05);
                        EXCEPTION WHEN query_canceled THEN
                        END;
                    END LOOP;
                    IF new.outcome = 'fails' THEN RAISE EXCEPTION 'too late'; END IF;
                    RETURN NULL;
                END $$;
                CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW WHEN (new.what <> 'otherwise') EXECUTE FUNCTION hold()""");
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            String id = app.start("df.timeout('INSERT INTO late VALUES (''step'', ''" + outcome
                    + "'') RETURNING what', '3 s', 'INSERT INTO late VALUES (''otherwise'') RETURNING what') |=> 'r'"
                    + " ~> df.sleep(0) ~> 'INSERT INTO log VALUES ($r.what)'");
            await("the step is in COMMIT").until(() -> database.value(
                            "postgres",
                            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'limit_app' AND query = 'COMMIT' AND state = 'active'")
                    .equals("1"));
            assertThat(app.value(
                            "SELECT wake_at > clock_timestamp() FROM df.nodes WHERE instance_id = ? AND node_type = 'TIMEOUT'",
                            id))
                    .as("its limit is not over before")
                    .isEqualTo("t");

            var ended = app.await(id);

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(app.value("SELECT string_agg(what, ',') FROM late WHERE what <> 'behind the checkpoint'"))
                    .isEqualTo(happens);
            assertThat(app.value("SELECT string_agg(what, ',') FROM log"))
                    .as("what the next step was told")
                    .isEqualTo(happens);
        }
    }
}
