package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Maps of more items than are in memory at once. */
@SuppressWarnings("try")
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
}
