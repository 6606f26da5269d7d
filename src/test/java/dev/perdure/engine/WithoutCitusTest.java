package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** On a server without Citus nothing is done for it, and nobody can make a worker believe that it is there. */
class WithoutCitusTest {

    private static InProcessWorker worker;
    private static TestDatabase database;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        worker = InProcessWorker.start(database);
        app = Submitter.of(database, "without_citus_app");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
    }

    @Test
    void nothing_is_made_ready_and_nothing_is_in_the_way() throws SQLException {
        assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");
        assertThat(database.rows(
                        PostgresServer.OWNER,
                        "SELECT df._citus_problem(), df._prepare_two_phases(), to_regclass('df._two_phase')"))
                .containsExactly(java.util.Arrays.asList(null, "f", null));
    }

    @Test
    void tables_of_a_submitter_that_have_the_names_of_citus_deceive_nobody() throws SQLException {
        app.execute("CREATE TABLE pg_dist_partition (logicalrelid regclass); CREATE TABLE pg_dist_node (groupid int);"
                + " INSERT INTO pg_dist_node VALUES (1);"
                + " CREATE TEMP TABLE pg_dist_partition (logicalrelid regclass)");

        var ended = app.run("'CREATE TEMP TABLE pg_dist_partition (a int)' ~> 'SELECT 1 AS one'");
        var waited = app.start("df.wait_for_signal('go')");
        app.open(waited);

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(app.await(waited).status()).isEqualTo("completed");
        assertThat(worker.leaderStatus().detail()).isEqualTo("leads");
    }
}
