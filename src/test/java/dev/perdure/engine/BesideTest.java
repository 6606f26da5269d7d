package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.HttpService;
import dev.perdure.testing.Looks;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.Slow;
import dev.perdure.testing.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What one role can do to the rows that are its own, or send to the worker, beside which everybody else is served: each kind of
 * progress. {@code ServedTest} has the same in virtual time, where two seconds are two seconds.
 */
@Slow("more than memory holds, and everybody else beside it")
class BesideTest {

    private TestDatabase database;
    private Served served;
    private HttpService service;
    private InProcessWorker worker;
    private Submitter mallory;
    private Submitter alice;

    @BeforeEach
    void begin() throws SQLException {
        begin(Map.of());
    }

    private void begin(Map<String, String> more) throws SQLException {
        database = PostgresServer.get().newDatabase();
        served = new Served();
        service = served.service();
        worker = InProcessWorker.start(database, served.settings(more));
        mallory = Submitter.of(database, "beside_mallory");
        alice = Served.submitter(database, "beside_alice");
    }

    @AfterEach
    void end() throws SQLException {
        mallory.close();
        alice.close();
        worker.close();
        served.close();
    }

    private void assertEverybodyElseIsServed() throws SQLException {
        served.assertServed(alice);
    }

    @Test
    void rows_that_a_role_keeps_locked() throws SQLException {
        // Timers, failures, answers and ends, all of which have to write these rows.
        mallory.value("SELECT count(df.start(df.sleep(1))) FROM generate_series(1, 30)");
        mallory.value("SELECT count(df.start(df.sleep(1) ~> 'SELECT 1/0')) FROM generate_series(1, 30)");
        mallory.value("SELECT count(df.start(df.wait_for_signal('x', 1))) FROM generate_series(1, 30)");
        mallory.execute("BEGIN");
        mallory.value("SELECT count(*) FROM (SELECT id FROM df.instances FOR UPDATE) x");
        Awaitility.await("what is due meets the locks")
                .until(() -> Integer.parseInt(String.valueOf(
                                database.value("postgres", "SELECT count(*) FROM df._inbox WHERE wake_at < now()")))
                        > 0);

        assertEverybodyElseIsServed();

        mallory.execute("ROLLBACK");
        mallory.awaitValue("90", "SELECT count(*) FROM df.instances WHERE output IS NOT NULL");
    }

    @Test
    void a_cancel_that_is_not_committed() throws SQLException {
        String sleeping = mallory.start("df.sleep(1)");
        mallory.execute("BEGIN");
        mallory.value("SELECT df.cancel(?)", sleeping);

        assertEverybodyElseIsServed();

        mallory.execute("ROLLBACK");
        assertThat(mallory.await(sleeping).status()).isEqualTo("completed");
    }

    @Test
    void transactions_that_sit_in_commit_also_after_a_change_of_leaders() throws SQLException {
        mallory.execute("CREATE TABLE late (n int); CREATE SEQUENCE door;"
                + " CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                + " WHILE (SELECT NOT is_called FROM door) LOOP PERFORM pg_sleep(0.02); END LOOP; RETURN NULL; END $$;"
                + " CREATE FUNCTION once_more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                + " SET CONSTRAINTS ALL DEFERRED; INSERT INTO later VALUES (1); RETURN NULL; END $$;"
                + " CREATE TABLE later (n int);"
                + " CREATE CONSTRAINT TRIGGER a AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
                + " EXECUTE FUNCTION once_more();"
                + " CREATE CONSTRAINT TRIGGER b AFTER INSERT ON later DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
                + " EXECUTE FUNCTION again()");
        for (int i = 0; i < 3; i++) {
            mallory.start("'INSERT INTO late VALUES (1)'");
        }
        try (Submitter observer = Submitter.observer(database)) {
            observer.awaitValue(
                    "3",
                    "SELECT count(*) FROM pg_stat_activity WHERE usename = 'beside_mallory' AND state = 'active'"
                            + " AND application_name = 'perdure-step'");
        }

        assertEverybodyElseIsServed();
        worker.loseMemory();
        assertEverybodyElseIsServed();

        mallory.value("SELECT nextval('door')");
        mallory.awaitValue("3", "SELECT count(*) FROM df.instances WHERE status = 'completed'");
        assertThat(mallory.value("SELECT count(*) FROM late"))
                .as("each effect once")
                .isEqualTo("3");
    }

    @Test
    void signals_that_are_larger_in_sum_than_the_memory() throws SQLException {
        end();
        begin(Map.of("perdure.memory.limit", "32M"));
        mallory.value(
                "SELECT count(df.start(df.wait_for_signal('go', 3600) ~> 'SELECT 1')) FROM generate_series(1, 100)");
        mallory.awaitValue("100", "SELECT count(*) FROM df.nodes WHERE node_type = 'SIGNAL' AND status = 'running'");
        mallory.value("SELECT count(df.signal(id, 'go', to_jsonb(repeat('x', 1000000))::text)) FROM df.instances");

        assertEverybodyElseIsServed();

        mallory.awaitValue("100", "SELECT count(*) FROM df.instances WHERE status = 'completed'");
        assertThat(worker.leaderStatus().epoch()).isEqualTo(1);
        Awaitility.await("what was taken is given back")
                .until(() -> worker.statistics().memoryBytes() == 0);
    }

    @Test
    void signals_that_one_instance_keeps_until_they_are_larger_than_the_memory() throws SQLException {
        end();
        begin(Map.of("perdure.memory.limit", "32M"));
        String hoarder = mallory.value("WITH RECURSIVE w AS (SELECT 1 AS n, 'SELECT 1' AS f UNION ALL"
                + " SELECT n + 1, f ~> (df.wait_for_signal('go') |=> ('s' || n)) FROM w WHERE n <= 60)"
                + " SELECT df.start(f ~> df.wait_for_signal('never')) FROM w WHERE n = 61");
        mallory.awaitValue("1", "SELECT count(*) FROM df.nodes WHERE node_type = 'SIGNAL' AND status = 'running'");
        mallory.value("SELECT count(df.signal('" + hoarder
                + "', 'go', to_jsonb(repeat('x', 1000000))::text)) FROM generate_series(1, 60)");
        Awaitility.await("it has as much as its role may have")
                .pollInterval(Looks.OFTEN)
                .until(() -> worker.statistics().memoryBytes() > 16_000_000);

        assertEverybodyElseIsServed();

        assertThat(worker.statistics().memoryBytes()).as("no more").isLessThan(40_000_000);
        mallory.value("SELECT df.cancel(?)", hoarder);
        assertThat(mallory.await(hoarder).status()).isEqualTo("cancelled");
        Awaitility.await("what was taken is given back")
                .until(() -> worker.statistics().memoryBytes() == 0);
    }

    @Test
    void results_that_are_larger_in_sum_than_the_memory() throws SQLException {
        end();
        begin(Map.of("perdure.memory.limit", "96M"));
        // Two and a half megabytes each, which take more than twice that while they are read.
        mallory.value("SELECT count(df.start('SELECT repeat(''x'', 2500000) AS x' |=> 'big' ~>"
                + " 'SELECT length($big) AS n')) FROM generate_series(1, 40)");

        assertEverybodyElseIsServed();

        mallory.awaitValue("40", "SELECT count(*) FROM df.instances WHERE status IN ('completed', 'failed')");
        assertThat(mallory.value("SELECT string_agg(DISTINCT output, ' ') FROM df.instances"))
                .isEqualTo("{\"rows\":[{\"n\":2500000}],\"row_count\":1}");
        assertThat(worker.leaderStatus().epoch()).isEqualTo(1);
    }

    /** All at once, each for three seconds: most of them have read a part when there is nothing left for the rest. */
    @Test
    void answers_that_are_larger_in_sum_than_the_memory() throws SQLException {
        end();
        begin(Map.of("perdure.memory.limit", "32M"));
        database.execute(PostgresServer.OWNER, "SELECT df.grant_usage('beside_mallory', include_http => true)");
        String large = "x".repeat(2_000_000);
        List<String> keys = new CopyOnWriteArrayList<>();
        service.on("/large", (exchange, request) -> {
            keys.add(exchange.getRequestHeaders().getFirst("Idempotency-Key"));
            HttpService.respond(exchange, 200, "text/plain", large.getBytes(StandardCharsets.UTF_8));
        });
        mallory.value("SELECT count(df.start(df.http('" + service.url("/large")
                + "', timeout_seconds => 3))) FROM generate_series(1, 40)");

        assertEverybodyElseIsServed();

        mallory.awaitValue("40", "SELECT count(*) FROM df.instances WHERE status IN ('completed', 'failed')");
        assertThat(mallory.value(
                        "SELECT string_agg(DISTINCT left(output, 200), ' ') FROM df.instances WHERE status = 'failed'"))
                .isNull();
        assertThat(new HashSet<>(keys)).as("a key for each step").hasSize(40);
        assertThat(keys).as("some had to be sent once more").hasSizeGreaterThan(40);
        assertThat(mallory.value("SELECT max(attempt) FROM df.nodes WHERE node_type = 'HTTP'"))
                .as("which is no attempt of theirs")
                .isEqualTo("1");
        assertThat(worker.leaderStatus().epoch()).isEqualTo(1);
        Awaitility.await("what was taken is given back")
                .until(() -> worker.statistics().memoryBytes() == 0);
    }

    @Test
    void a_result_that_can_never_fit_fails_its_step_with_that_reason() throws SQLException {
        end();
        begin(Map.of("perdure.memory.limit", "8M"));

        assertThat(mallory.run("'SELECT repeat(''x'', 10000000) AS x'").output())
                .contains("perdure.memory.limit");
        assertEverybodyElseIsServed();
    }

    @Test
    void a_flood_of_notifications() throws SQLException {
        String channel = database.value(PostgresServer.OWNER, "SELECT channel FROM df._wake");
        try (Submitter nobody = Submitter.at(database.url(database.createRole("beside_nobody")))) {
            for (String to : new String[] {"perdure_wake", "another", channel}) {
                for (int i = 0; i < 4; i++) {
                    nobody.value(
                            "SELECT count(pg_notify(?, repeat('x', 6000) || i)) FROM generate_series(1, 3000) i", to);
                }
                assertEverybodyElseIsServed();
            }
        }
        assertThat(worker.leaderStatus().epoch()).as("nobody stepped down").isEqualTo(1);
        try (Submitter observer = Submitter.observer(database)) {
            assertThat(observer.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                            + " AND application_name = 'perdure-leader'"))
                    .isEqualTo("1");
        }
    }
}
