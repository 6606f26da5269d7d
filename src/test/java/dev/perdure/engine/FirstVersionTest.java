package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.schema.Migration;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The database of the first version (commit 3eb5133), whose worker was killed in the middle of workflows of every shape
 * that it knew, dumped by pg_dump 15. The label of an instance is what it must leave in the ledger, sorted.
 */
class FirstVersionTest {

    private static final String APP = "fixture_app";
    private static final String DUMPED = "2026-11-22 23:03:50+00";

    private TestDatabase database;

    @BeforeEach
    void restore() throws SQLException {
        PostgresServer server = PostgresServer.get();
        database = server.newEmptyDatabase();
        server.createRole(APP);
        database.executeScript("postgres", "fixtures/first-version.sql");
        // As if it had been dumped just now, or the sleep that must lose its race would have ended long ago.
        database.asSuperuser(
                "UPDATE df.nodes SET wake_at = wake_at + (now() - '" + DUMPED + "') WHERE wake_at IS NOT NULL");
    }

    private Map<String, String> statuses() throws SQLException {
        Map<String, String> statuses = new TreeMap<>();
        for (List<@Nullable String> row : database.rows("postgres", "SELECT id, status FROM df.instances")) {
            statuses.put(String.valueOf(row.get(0)), String.valueOf(row.get(1)));
        }
        return statuses;
    }

    @Test
    void what_its_worker_had_begun_is_continued() throws SQLException {
        assertThat(statuses().values())
                .as("the fixture is in the middle")
                .containsOnlyOnce("pending", "cancelled")
                .contains("running");
        Migration.migrate(database.url());
        // A restored copy takes over, which an operator has to confirm (docs/operations.md).
        database.execute(PostgresServer.OWNER, "UPDATE df._epoch SET system_identifier = NULL");

        try (InProcessWorker worker = InProcessWorker.start(database);
                Submitter app = Submitter.of(database, APP)) {
            for (String id : statuses().keySet()) {
                app.await(id);
            }
            for (List<@Nullable String> row : app.rows("SELECT i.label, i.status,"
                    + " (SELECT string_agg(l.step, ',' ORDER BY l.step) FROM ledger l WHERE l.instance = i.id)"
                    + " FROM df.instances i")) {
                String label = String.valueOf(row.get(0));
                String status = String.valueOf(row.get(1));
                String effects = String.valueOf(row.get(2));
                switch (label) {
                    case "fails" -> assertThat(status + ": " + effects).isEqualTo("failed: a,b");
                    case "cancelled" -> assertThat(status + ": " + effects).isEqualTo("cancelled: a");
                    // Its procedure had committed when the worker was killed: at least once, and marked so.
                    case "outside" -> assertThat(status + ": " + effects).isEqualTo("completed: a,b,o,o");
                    default -> assertThat(status + ": " + effects).isEqualTo("completed: " + label);
                }
            }
            assertThat(app.value("SELECT count(*) FROM df.nodes WHERE query LIKE 'CALL outside%' AND status_details ?"
                            + " 'at_least_once'"))
                    .isEqualTo("1");
            assertThat(worker.leaderStatus().epoch())
                    .as("the terms go on counting")
                    .isGreaterThan(1);
        }
    }

    @Test
    void new_workflows_run_beside_it() throws SQLException {
        Migration.migrate(database.url());
        database.execute(PostgresServer.OWNER, "UPDATE df._epoch SET system_identifier = NULL");

        try (InProcessWorker worker = InProcessWorker.start(database);
                Submitter app = Submitter.of(database, APP)) {
            assertThat(app.run("e('new') ~> df.sleep(1) ~> e('too')").status()).isEqualTo("completed");
            assertThat(worker.leaderStatus().epoch()).isPositive();
        }
    }
}
