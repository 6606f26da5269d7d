package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.Slow;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Maps of more items than are in memory at once. */
@SuppressWarnings("try")
@Slow("maps of more rows than memory holds")
class MapSizeTest {

    private TestDatabase database;
    private Submitter app;

    @BeforeEach
    void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        app = Submitter.of(database, "map_app");
        app.execute("CREATE TABLE done (id int, tx xid8 DEFAULT pg_current_xact_id())");
    }

    @AfterEach
    void end() throws SQLException {
        app.close();
    }

    @Test
    void items_of_one_statement_share_transactions_and_each_happens_once() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var ended = app.run("df.map('SELECT g AS id, ''text '' || g AS words FROM generate_series(1, 5000) AS g',"
                    + " df.sql('INSERT INTO done (id) VALUES ($1)', '$item.id'))");

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(app.value("SELECT count(*) || '/' || count(DISTINCT id) FROM done"))
                    .isEqualTo("5000/5000");
            assertThat(Integer.parseInt(app.value("SELECT count(DISTINCT tx) FROM done")))
                    .isLessThan(3000);
            assertThat(app.value("SELECT count(*) FROM df.map_items WHERE status = 'completed' AND attempt = 1"
                            + " AND result->>'row_count' = '0' AND started_at <= completed_at"))
                    .isEqualTo("5000");
        }
    }

    @Test
    void failing_items_take_no_other_down() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var ended = app.run("df.map('SELECT g AS id FROM generate_series(1, 1000) AS g',"
                    + " 'INSERT INTO done (id) SELECT $item.id / (CASE WHEN $item.id % 10 = 0 THEN 0 ELSE 1 END)',"
                    + " on_failure => 'continue')");

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(app.value("SELECT count(*) || '/' || count(DISTINCT id) FROM done"))
                    .isEqualTo("900/900");
            assertThat(
                            app.value(
                                    "SELECT count(*) FROM df.map_items WHERE status = 'failed' AND ordinal % 10 = 0 AND code = '22012'"))
                    .isEqualTo("100");
        }
    }

    @Test
    void a_batch_that_can_never_have_its_memory_fails_with_the_reason() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database, Map.of("perdure.memory.limit", "32M"))) {
            var ended = app.run("df.map('SELECT repeat(''x'', 1000000) AS x FROM generate_series(1, 15) AS g',"
                    + " 'SELECT 1', batch_size => 15)");

            assertThat(ended.status()).isEqualTo("failed");
            assertThat(ended.output())
                    .contains("Items 1 to 15 of df.map, a batch, need more memory")
                    .contains("batch_size");
        }
    }

    @Test
    void many_maps_of_large_items_take_turns_for_the_memory() throws Exception {
        try (InProcessWorker worker = InProcessWorker.start(database, Map.of("perdure.memory.limit", "32M"))) {
            app.value(
                    "SELECT count(df.start(df.map('SELECT g AS n, repeat(''x'', 1000000) AS x FROM generate_series(1, 2) AS g',"
                            + " df.sleep(0) ~> 'SELECT $item.n', on_failure => 'continue'))) FROM generate_series(1, 30)");
            long most = 0;
            while (!"30".equals(app.value("SELECT count(*) FROM df.instances WHERE status = 'completed'"))) {
                most = Math.max(most, worker.statistics().memoryBytes());
                TimeUnit.MILLISECONDS.sleep(5);
            }
            assertThat(most).as("30 items of 6 MB would be 180 MB").isLessThan(48L * 1024 * 1024);
            assertThat(app.value("SELECT count(*) FROM df.map_items WHERE status = 'completed'"))
                    .isEqualTo("60");
        }
    }

    @Test
    void items_that_are_too_large_for_an_exchange_are_worked_on_once_each() throws SQLException {
        String items =
                "'SELECT g AS n, repeat(''x'', CASE WHEN g % 3 = 0 THEN 600000 ELSE 10 END) AS x FROM generate_series(1, 12) AS g'";
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            var alone =
                    app.run("df.map(" + items + ", df.sql('INSERT INTO done (id) SELECT $1::int WHERE length($2) > 0',"
                            + " '$item.n', '$item.x'))");
            assertThat(alone.status()).as(alone.output()).isEqualTo("completed");
            assertThat(app.value("SELECT count(*) || '/' || count(DISTINCT id) FROM done"))
                    .isEqualTo("12/12");

            var batches = app.run("df.map(" + items + ", 'SELECT count(*) FROM $item.*', batch_size => 4)");
            assertThat(batches.status()).as(batches.output()).isEqualTo("completed");
        }
    }

    @Test
    void large_items_that_programs_decide_are_all_decided() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            String id =
                    app.start("df.map('SELECT g AS n, repeat(''x'', CASE WHEN g % 2 = 0 THEN 600000 ELSE 10 END) AS x"
                            + " FROM generate_series(1, 30) AS g', df.activity('picture', '{\"n\": $item.n}'))");
            int claimed = 0;
            while (claimed < 30) {
                claimed += Integer.parseInt(app.value("SELECT count(df.complete_activity(token))"
                        + " FROM df.claim_activities('picture', 5, '10 seconds')"));
            }
            assertThat(app.await(id).status()).isEqualTo("completed");
            assertThat(app.value("SELECT count(*) FROM df.map_items WHERE status = 'completed'"))
                    .isEqualTo("30");
        }
    }
}
