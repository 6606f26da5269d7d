package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.Slow;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Maps whose items are nothing but an activity each: the program's own COMMIT ends the item, whoever leads. */
@Slow("leaders and programs that end in the middle")
class ItemActivitiesTest {

    private static TestDatabase database;
    private static Submitter app;
    private static Submitter program;
    private static InProcessWorker worker;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        app = Submitter.of(database, "items_app");
        program = Submitter.of(database, "items_app");
        app.execute("CREATE TABLE written (kind text, n int)");
        worker = InProcessWorker.start(database);
    }

    @AfterAll
    static void end() throws SQLException {
        worker.close();
        app.close();
        program.close();
    }

    private static String map(String kind, int items, String more) throws SQLException {
        return app.start("df.map('SELECT g AS n FROM generate_series(1, " + items + ") AS g', df.activity('" + kind
                + "', '{\"n\": $item.n}', lease => '1 s', max_attempts => 2)" + more + ")");
    }

    private static String claim(String kind) throws SQLException {
        return Objects.requireNonNull(
                program.value("SELECT token FROM df.claim_activities('" + kind + "', wait => '20 s')"));
    }

    private static SQLException refusal(String sql) {
        return Objects.requireNonNull(catchThrowableOfType(SQLException.class, () -> program.execute(sql)), sql);
    }

    private static void await(String expected, String sql) {
        app.awaitValue(expected, sql);
    }

    @Test
    void an_item_ends_with_the_commit_of_its_program_also_while_no_worker_leads() throws SQLException {
        String id = map("alone", 3, "");
        await("3", "SELECT count(*) FROM df.activities WHERE kind = 'alone'");
        worker.close();
        String token = claim("alone");
        program.execute("SELECT df.complete_activity('" + token + "', '{\"n\": 7}')");
        assertThat(app.value(
                        "SELECT status || result::text FROM df.map_items WHERE instance_id = ? AND result IS NOT NULL",
                        id))
                .isEqualTo("completed{\"n\": 7}");
        assertThat(app.value(
                        "SELECT string_agg(status, ' ' ORDER BY status) FROM df.map_items WHERE instance_id = ?", id))
                .isEqualTo("completed running running");
        assertThat(refusal("SELECT df.complete_activity('" + token + "')").getMessage())
                .contains("completed already, with this token");
        assertThat(app.value("SELECT completed FROM df.activity_kinds WHERE kind = 'alone'"))
                .isEqualTo("1");
        worker = InProcessWorker.start(database);
        program.execute("SELECT df.complete_activity(token) FROM df.claim_activities('alone', 5)");
        assertThat(app.await(id).output()).contains("\"completed\":3");
    }

    @Test
    void an_item_says_the_same_of_its_failure_as_one_that_a_worker_has_ended() throws SQLException {
        String direct = map("fails", 1, ", on_failure => 'continue'");
        program.execute("SELECT df.fail_activity('" + claim("fails") + "', 'no image', code => 'corrupt')");
        assertThat(app.await(direct).output()).contains("\"failed\":1");
        // A batch of one row more is worked on by the worker.
        String byWorker = map("fails", 1, ", on_failure => 'continue', batch_size => 2");
        program.execute("SELECT df.fail_activity('" + claim("fails") + "', 'no image', code => 'corrupt')");
        assertThat(app.await(byWorker).output()).contains("\"failed\":1");
        String said =
                "SELECT concat_ws('|', i.status, i.attempt, i.result, i.error, i.code, i.failure - 'node', i.failure ->> 'node' = n.id)"
                        + " FROM df.map_items i JOIN df.nodes n USING (instance_id) WHERE instance_id = ? AND n.node_type = 'ACTIVITY'";
        assertThat(app.value(said, direct))
                .contains("failed|")
                .contains("no image|corrupt")
                .isEqualTo(app.value(said, byWorker));
        String fails = map("fails", 1, "");
        program.execute("SELECT df.fail_activity('" + claim("fails") + "', 'no image')");
        assertThat(app.await(fails).output()).contains("Item 1 of df.map failed: no image");
    }

    @ParameterizedTest
    @ValueSource(strings = {"READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"})
    void a_time_limit_over_the_map_takes_the_item_from_a_program_that_sits_on_it(String isolation) throws SQLException {
        String id = app.start(
                "df.timeout(df.map('SELECT 1 AS n', df.activity('sat on')), '1 s', 'SELECT ''over'' AS how')");
        String token = claim("sat on");
        program.execute("BEGIN ISOLATION LEVEL " + isolation + "; INSERT INTO written VALUES ('sat on', 1);"
                + " SELECT df.complete_activity('" + token + "')");
        assertThat(app.await(id).output()).contains("\"how\":\"over\"");
        assertThat(refusal("COMMIT").getSQLState()).isIn("DF004", "40001");
        program.execute("ROLLBACK");
        assertThat(program.value("SELECT df.extend_activity('" + token + "')")).isEqualTo("f");
        assertThat(app.value("SELECT count(*) FROM written WHERE kind = 'sat on'"))
                .isEqualTo("0");
        assertThat(app.value("SELECT status FROM df.map_items WHERE instance_id = ?", id))
                .isEqualTo("cancelled");
        await("0", "SELECT count(*) FROM df.activities WHERE kind = 'sat on'");
    }

    @Test
    void many_are_completed_by_one_call_and_none_when_one_token_is_not_current() throws SQLException {
        String id = map("many", 40, ", max_concurrent => 20");
        await("20", "SELECT count(*) FROM df.activities WHERE kind = 'many'");
        String late = claim("many");
        await("waiting", "SELECT min(status) FROM df.activities WHERE kind = 'many' HAVING count(DISTINCT status) = 1");
        assertThat(refusal(
                                "WITH c AS MATERIALIZED (SELECT * FROM df.claim_activities('many', 5)), w AS (INSERT INTO written SELECT 'many', 1 FROM c)"
                                        + " SELECT df.complete_activities(array_append(array_agg(token), '" + late
                                        + "')) FROM c")
                        .getSQLState())
                .isEqualTo("DF004");
        assertThat(app.value("SELECT count(*) FROM written WHERE kind = 'many'"))
                .isEqualTo("0");
        long done = 0;
        while (done < 40) {
            done += Long.parseLong(Objects.requireNonNull(program.value(
                    "WITH c AS MATERIALIZED (SELECT * FROM df.claim_activities('many', 15, '20 s')), w AS (INSERT INTO written"
                            + " SELECT 'many', (payload ->> 'n')::int FROM c)"
                            + " SELECT df.complete_activities(array_agg(token), array_agg(payload)) FROM c")));
        }
        assertThat(app.await(id).output()).contains("\"completed\":40");
        assertThat(app.value("SELECT count(DISTINCT n) || ' ' || count(*) FROM written WHERE kind = 'many'"))
                .isEqualTo("40 40");
        assertThat(app.value(
                        "SELECT count(*) FROM df.map_items WHERE instance_id = ? AND item ->> 'n' = result ->> 'n'",
                        id))
                .isEqualTo("40");
        assertThat(refusal("SELECT df.complete_activities('{a}', '{}')").getMessage())
                .contains("0 results for 1 tokens");
    }

    @Test
    void one_that_was_lost_each_time_fails_its_item_and_what_cannot_be_a_payload_fails_another() throws SQLException {
        String lost = map("lost", 1, ", on_failure => 'continue'");
        claim("lost");
        claim("lost");
        assertThat(app.await(lost).output()).contains("\"failed\":1");
        assertThat(app.value("SELECT code FROM df.map_items WHERE instance_id = ?", lost))
                .isEqualTo("activity_lost");
        String odd = app.start(
                "df.map('SELECT unnest(ARRAY[''1'', ''{'']) AS v', df.activity('odd', '$item.v'), on_failure => 'continue')");
        program.execute("SELECT df.complete_activity('" + claim("odd") + "')");
        assertThat(app.await(odd).output()).contains("\"completed\":1", "\"failed\":1");
    }

    @Test
    void a_cancelled_map_goes_on_with_what_was_not_completed_when_it_is_redriven() throws SQLException {
        String id = map("again", 2, "");
        program.execute("SELECT df.complete_activity('" + claim("again") + "')");
        String late = claim("again");
        app.execute("SELECT df.cancel('" + id + "', 'later')");
        assertThat(app.await(id).status()).isEqualTo("cancelled");
        assertThat(refusal("SELECT df.complete_activity('" + late + "')").getSQLState())
                .isEqualTo("DF004");
        app.execute("SELECT df.redrive('" + id + "')");
        program.execute("SELECT df.complete_activity('" + claim("again") + "')");
        assertThat(app.await(id).output()).contains("\"completed\":2");
    }

    /** Claims do not walk over what was claimed before, however long an old snapshot keeps it. */
    @Test
    void the_place_where_claims_begin_moves_on() throws SQLException {
        String id = map("moves", 60, ", max_concurrent => 60");
        await("60", "SELECT count(*) FROM df.activities WHERE kind = 'moves'");
        program.execute("SELECT df.complete_activities(array_agg(token)) FROM df.claim_activities('moves', 50)");
        try (Submitter owner = Submitter.observer(database)) {
            owner.awaitValue(
                    "t",
                    "SELECT k.turn = (SELECT min(a.turn) FROM df._activities a WHERE a.kind = 'moves')"
                            + " FROM df._activity_marks k WHERE k.kind = 'moves'");
        }
        program.execute("SELECT df.complete_activities(array_agg(token)) FROM df.claim_activities('moves', 50)");
        assertThat(app.await(id).status()).isEqualTo("completed");
    }
}
