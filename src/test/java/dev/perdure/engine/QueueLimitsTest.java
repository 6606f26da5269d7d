package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The limits of queues while instances are cancelled, fail, lose their sessions, and the worker its memory: by the times of a ledger. */
class QueueLimitsTest {

    private static final int INSTANCES = Integer.getInteger("queues.instances", 300);
    /** In each as many are cancelled, and all sessions of the role are ended. */
    private static final int ROUNDS = Math.max(12, INSTANCES / 200);

    private static final int CANCELS = INSTANCES > 1_000 ? 100 : 10;

    private static TestDatabase database;
    private static InProcessWorker worker;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        worker = InProcessWorker.start(database);
        app = Submitter.of(database, "limits_app");
        app.execute("CREATE TABLE ledger (instance text, key text, at timestamptz DEFAULT clock_timestamp());"
                + " CREATE FUNCTION note(instance text, key text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN"
                + " INSERT INTO ledger (instance, key) VALUES (instance, key); PERFORM pg_sleep(0.002);"
                + " INSERT INTO ledger (instance, key) VALUES (instance, key); END $$");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
    }

    @Test
    void no_moment_exceeds_a_limit_and_no_slot_is_lost() throws SQLException {
        Random random = new Random(7);
        app.value("SELECT df.create_queue('chaos', concurrency => 6, concurrency_per_key => 2)");
        List<List<String>> started = new ArrayList<>();
        app.rows(
                        "SELECT * FROM df.start_many('SELECT note(''{sys_instance_id}'', {k:literal})' ~> 'SELECT note(''{sys_instance_id}'', {k:literal})'"
                                + " ~> 'SELECT 1 / {ok}', 'SELECT ''k'' || n % 7 AS k, n % 5 AS ok FROM generate_series(1, "
                                + INSTANCES
                                + ") AS n', '{\"queue\": \"chaos\", \"key\": \"{k}\"}')")
                .forEach(row -> started.add(List.of(String.valueOf(row.get(0)))));
        String own = Objects.requireNonNull(app.value("SELECT pg_backend_pid()"));
        try (Submitter observer = Submitter.observer(database)) {
            for (int round = 0; round < ROUNDS; round++) {
                app.awaitValue(
                        "t",
                        "SELECT count(*) >= ? FROM df.instances WHERE status IN ('completed', 'failed', 'cancelled')",
                        round * INSTANCES / ROUNDS);
                for (int i = 0; i < CANCELS; i++) {
                    app.value(
                            "SELECT df.cancel(?)",
                            started.get(random.nextInt(INSTANCES)).get(0));
                }
                observer.value(
                        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                                + " WHERE datname = current_database() AND usename = 'limits_app' AND pid <> ?::int",
                        own);
                if (round % 4 == 1) {
                    worker.loseMemory();
                }
            }
            observer.awaitValue("0", "SELECT count(*) FROM df._inbox");
            assertThat(observer.rows("SELECT instance_id FROM df._starts WHERE ended_at IS NULL"))
                    .isEmpty();
        }

        assertThat(app.rows("SELECT running, depth FROM df.queues WHERE name = 'chaos'"))
                .containsExactly(List.of("0", "0"));
        assertThat(app.rows(
                        "WITH spans AS (SELECT instance, key, min(at) AS began, max(at) AS ended FROM ledger GROUP BY 1, 2)"
                                + " SELECT x.instance, count(*), count(*) FILTER (WHERE y.key = x.key) FROM spans x JOIN spans y ON y.began <= x.began AND y.ended >= x.began"
                                + " GROUP BY 1 HAVING count(*) > 6 OR count(*) FILTER (WHERE y.key = x.key) > 2"))
                .isEmpty();
        assertThat(app.value("SELECT count(DISTINCT status) FROM df.instances")).isEqualTo("3");
        assertThat(app.value("SELECT count(*) > 100 FROM (SELECT FROM ledger GROUP BY instance) AS i"))
                .isEqualTo("t");
    }

    @Test
    void of_a_hundred_keys_each_has_its_turn_before_one_has_a_second() throws SQLException {
        app.value("SELECT df.create_queue('turns', concurrency => 5)");
        app.value("SELECT df.pause_queue('turns')");
        app.value(
                "SELECT count(*) FROM df.start_many('SELECT 1', 'SELECT n / 5 AS k FROM generate_series(0, 499) AS n',"
                        + " '{\"queue\": \"turns\", \"key\": \"{k}\"}')");
        app.value("SELECT df.resume_queue('turns')");
        app.awaitValue("0 0", "SELECT concat(depth, ' ', running) FROM df.queues WHERE name = 'turns'");
        try (Submitter observer = Submitter.observer(database)) {
            assertThat(
                            observer.value(
                                    "SELECT max(n) - min(n) FROM (SELECT s.key, count(*) AS n FROM (SELECT s.* FROM df._starts s"
                                            + " JOIN df._queues q ON q.id = s.queue AND q.name = 'turns' ORDER BY s.admitted_at LIMIT 300) AS s GROUP BY 1) AS k"))
                    .isEqualTo("0");
        }
    }
}
