package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.Looks;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.Slow;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A plan lives as long as its session, and statistics come late: what a worker and its submitters planned on a fresh database reads no
 * table whole when there are thousands of instances (ADR 83).
 */
@Slow("thousands of instances of each kind")
class OldPlansTest {

    private static final int MANY = 4_000;
    /** What the worker reads in a minute by itself is less, be the machine as busy as it may; there are more instances than that. */
    private static final int MOST = 3 * MANY;

    private TestDatabase database;
    private Served served;
    private InProcessWorker worker;
    private Submitter alice;

    @BeforeEach
    void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        for (List<String> table : database.rows(
                PostgresServer.OWNER,
                "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'df'::regnamespace AND c.relkind = 'r'")) {
            database.execute(PostgresServer.OWNER, "ALTER TABLE " + table.get(0) + " SET (autovacuum_enabled = off)");
        }
        served = new Served();
        worker = InProcessWorker.start(database, served.settings(Map.of()));
        alice = Served.submitter(database, "old_plans_alice");
        alice.execute("SELECT df.create_queue('some', concurrency => 3, concurrency_per_key => 2),"
                + " df.create_queue('sections', concurrency => 3), df.create_queue('full', concurrency => 1),"
                + " df.define('child', 'SELECT 1')");
        alice.value("SELECT df.pause_queue('full')");
    }

    @AfterEach
    void end() throws SQLException {
        alice.close();
        worker.close();
        served.close();
    }

    /** Each kind of progress, also of what is not in {@link Served}. */
    private void progress() throws SQLException {
        served.assertTimer(alice, served.assertServedBesideATimer(alice));
        for (String workflow : List.of(
                "df.map('SELECT n FROM generate_series(1, 3) AS n', 'SELECT $item.n' ~> 'SELECT 1')",
                "df.call('child')",
                "'SELECT 1', options => '{\"queue\": \"some\", \"key\": \"a\"}'",
                "df.with_queue('SELECT 1', 'sections', 'b')",
                "df.loop('SELECT 1', 'SELECT false')",
                "df.race('SELECT 1', df.wait_for_signal('never'))",
                "df.join('SELECT 1', 'SELECT 2')",
                "df.catch('SELECT 1/0', 'SELECT 2')",
                "df.timeout('SELECT 1', '1 hour')")) {
            assertThat(alice.run(workflow).status()).as(workflow).isEqualTo("completed");
        }
        assertThat(alice.run("df.saga(df.with_undo('SELECT 1', 'SELECT 2') ~> 'SELECT 1/0')")
                        .status())
                .isEqualTo("failed");
        String failing = alice.run("df.retry('SELECT 1/0', 2, '10 ms')").id();
        alice.value("SELECT df.redrive(?)", failing);
        assertThat(alice.await(failing).status()).isEqualTo("failed");
        program("df.activity('work')");
        program("df.map('SELECT n FROM generate_series(1, 3) AS n', df.activity('work', '{\"n\": \"$item.n\"}'))");
        String waiting =
                alice.start("df.wait_for_event('" + alice.start("'SELECT df.publish(''told'', ''1'')'") + "', 'told')");
        assertThat(alice.await(waiting).status()).isEqualTo("completed");
        String asked = alice.start("df.approval('ok?', '{old_plans_alice}')");
        alice.awaitValue("1", "SELECT count(*) FROM df.tasks WHERE title = 'ok?'");
        alice.value("SELECT df.decide(task_id, 'approved') FROM df.tasks WHERE title = 'ok?'");
        assertThat(alice.await(asked).status()).isEqualTo("completed");
    }

    private void program(String workflow) throws SQLException {
        String id = alice.start(workflow);
        Awaitility.await(workflow).pollInterval(Looks.OFTEN).until(() -> {
            alice.value("SELECT count(df.complete_activity(token, '1')) FROM df.claim_activities('work', 10)");
            return "completed".equals(alice.value("SELECT status FROM df.instances WHERE id = ?", id));
        });
    }

    /** Thousands that wait for this or that, and as many that have ended. */
    private void fill() throws SQLException {
        for (String workflow : List.of(
                "'SELECT 1'",
                "df.sleep(3600)",
                "df.wait_for_signal('never')",
                "df.activity('other')",
                "df.approval('later?', '{old_plans_alice}')",
                "df.wait_for_event('ffffffff', 'never')")) {
            alice.value("SELECT count(*) FROM df.start_many(" + workflow + ", 'SELECT n FROM generate_series(1, " + MANY
                    + ") AS n')");
        }
        alice.value("SELECT count(df.start('SELECT 1', options => '{\"queue\": \"full\"}')) FROM generate_series(1, "
                + MANY + ")");
        alice.start("df.map('SELECT n FROM generate_series(1, " + MANY + ") AS n', df.activity('other'))");
        try (Submitter observer = Submitter.observer(database)) {
            observer.awaitValue("t", "SELECT count(*) < 50 FROM df._inbox WHERE wake_at IS NULL AND held IS NOT TRUE");
        }
    }

    /** How many entries and rows were read of each table and each index, when they have come to rest. */
    private Map<String, Long> read() throws SQLException {
        AtomicReference<Map<String, Long>> last = new AtomicReference<>(Map.of());
        Awaitility.await("sessions have told what they have read")
                .pollInterval(Duration.ofMillis(1500))
                .atMost(Duration.ofMinutes(2))
                .until(() -> {
                    Map<String, Long> now = new TreeMap<>();
                    for (List<String> row : database.rows(
                            "postgres",
                            "SELECT relname, seq_tup_read FROM pg_stat_user_tables WHERE schemaname = 'df'"
                                    + " UNION ALL SELECT indexrelname, idx_tup_read FROM pg_stat_user_indexes WHERE schemaname = 'df'")) {
                        now.put(row.get(0), Long.parseLong(row.get(1)));
                    }
                    Map<String, Long> before = last.getAndSet(now);
                    return now.entrySet().stream()
                            .allMatch(each -> each.getValue() - before.getOrDefault(each.getKey(), 0L) < 500);
                });
        return last.get();
    }

    @Test
    void plans_of_a_fresh_database_read_what_is_asked_for_when_its_tables_have_grown() throws SQLException {
        for (int i = 0; i < 3; i++) {
            progress();
        }
        fill();
        Map<String, Long> before = read();

        progress();

        Map<String, Long> after = read();
        Map<String, Long> whole = new TreeMap<>();
        after.forEach((relation, rows) -> {
            long more = rows - before.getOrDefault(relation, 0L);
            if (more >= MOST) {
                whole.put(relation, more);
            }
        });
        assertThat(whole).as("entries that were read of").isEmpty();
    }
}
