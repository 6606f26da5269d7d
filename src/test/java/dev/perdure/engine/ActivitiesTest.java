package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Steps that a program does: claimed by SQL, and completed in the program's own transaction. */
class ActivitiesTest {

    private static TestDatabase database;
    private static Submitter app;
    private static Submitter program;
    private static Submitter other;
    private static InProcessWorker worker;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        app = Submitter.of(database, "activity_app");
        program = Submitter.of(database, "activity_app");
        other = Submitter.of(database, "activity_other");
        app.execute("CREATE TABLE written (kind text, id text)");
        worker = InProcessWorker.start(database);
    }

    @AfterAll
    static void end() throws SQLException {
        worker.close();
        app.close();
        program.close();
        other.close();
    }

    private static String claim(Submitter who, String kind) throws SQLException {
        String token =
                who.value("SELECT token FROM df.claim_activities('" + kind.replace("'", "''") + "', wait => '20 s')");
        return Objects.requireNonNull(token, kind);
    }

    private static SQLException refusal(Submitter who, String sql) {
        return Objects.requireNonNull(catchThrowableOfType(SQLException.class, () -> who.execute(sql)), sql);
    }

    private static String count(String kind) throws SQLException {
        return Objects.requireNonNull(app.value("SELECT count(*) FROM written WHERE kind = ?", kind));
    }

    @Test
    void what_the_program_writes_and_the_end_of_the_step_are_one_commit() throws SQLException {
        String id = app.start(
                "'SELECT 7 AS n, ''a \"b\"''::text AS t' |=> 'r'"
                        + " ~> df.activity('commit', '{\"n\": $r.n, \"t\": \"$r.t\"}') |=> 'done' ~> 'SELECT $done.bytes + 1 AS n'");
        app.awaitValue("1", "SELECT count(*) FROM df.activities WHERE kind = 'commit'");
        assertThat(app.value("SELECT df.explain(?)", id)).contains("ACTIVITY commit with ", "waits for a program");
        assertThat(program.value(
                        "SELECT payload || jsonb_build_object('attempt', attempt) FROM df.claim_activities('commit')"))
                .isEqualTo("{\"n\": 7, \"t\": \"a \\\"b\\\"\", \"attempt\": 1}");
        String token = Objects.requireNonNull(app.value("SELECT token FROM df._claimed_activities"));

        program.execute("BEGIN; INSERT INTO written VALUES ('commit', 'rolled back')");
        assertThat(program.value("SELECT df.complete_activity('" + token + "', '{\"bytes\": 1}')"))
                .isEqualTo("t");
        program.execute("ROLLBACK");
        assertThat(app.value("SELECT status FROM df.activities WHERE kind = 'commit'"))
                .isEqualTo("claimed");
        program.execute("BEGIN; INSERT INTO written VALUES ('commit', 'kept');" + " SELECT df.complete_activity('"
                + token + "', '{\"bytes\": 512}'); COMMIT");

        assertThat(app.await(id).output()).contains("\"n\":513");
        assertThat(app.value("SELECT string_agg(id, ',') FROM written WHERE kind = 'commit'"))
                .isEqualTo("kept");
        assertThat(app.value("SELECT count(*) FROM df.activities WHERE kind = 'commit'"))
                .isEqualTo("0");
        SQLException twice = refusal(program, "SELECT df.complete_activity('" + token + "')");
        assertThat(twice.getMessage()).contains("completed already, with this token");
        assertThat(twice.getSQLState()).isEqualTo("DF004");
        assertThat(app.value("SELECT completed FROM df.activity_kinds WHERE kind = 'commit'"))
                .isEqualTo("1");
    }

    @Test
    void short_work_is_claimed_and_completed_in_one_transaction_whose_end_gives_it_back() throws SQLException {
        String id = app.start("df.activity('short')");
        program.execute("BEGIN");
        claim(program, "short");
        assertThat(app.value("SELECT count(*) FROM df.claim_activities('short')"))
                .isEqualTo("0");
        program.execute("ROLLBACK; BEGIN; INSERT INTO written VALUES ('short', '');"
                + " SELECT df.complete_activity(token) FROM df.claim_activities('short', wait => '5 s'); COMMIT");

        assertThat(app.await(id).output()).isEqualTo("{}");
        assertThat(count("short")).isEqualTo("1");
    }

    @Test
    void a_map_of_activities_is_done_in_batches_each_item_once() throws SQLException {
        String id = app.start(
                "df.map('SELECT g AS id FROM generate_series(1, 300) AS g', df.activity('batch', '{\"id\": $item.id}'), max_concurrent => 100)");
        long done = 0;
        while (done < 300) {
            done += Long.parseLong(Objects.requireNonNull(program.value(
                    "WITH c AS MATERIALIZED (SELECT * FROM df.claim_activities('batch', 40, '5 s')), w AS (INSERT INTO written"
                            + " SELECT 'batch', payload ->> 'id' FROM c RETURNING 1)"
                            + " SELECT count(df.complete_activity(token, payload)) FROM c")));
        }
        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(app.value("SELECT count(DISTINCT id) || ' ' || count(*) FROM written WHERE kind = 'batch'"))
                .isEqualTo("300 300");
    }

    @Test
    void a_failure_has_a_code_that_catch_and_retry_know_and_may_be_final() throws SQLException {
        String caught = app.start(
                "df.catch(df.activity('fails'), 'SELECT $error.code AS c, $error.message AS m', '{corrupt}')");
        program.execute("SELECT df.fail_activity('" + claim(program, "fails") + "', 'no image', code => 'corrupt')");
        assertThat(app.await(caught).output()).contains("\"c\":\"corrupt\"", "\"m\":\"no image\"");

        String again = app.start("df.retry(df.activity('fails'), 5, '1 ms', retry_on => '{corrupt}')");
        program.execute("SELECT df.fail_activity('" + claim(program, "fails") + "', 'once', code => 'corrupt')");
        program.execute("SELECT df.fail_activity('" + claim(program, "fails")
                + "', 'for good', code => 'corrupt', retry => false)");
        assertThat(app.await(again).output()).contains("for good (attempt 2, not to be tried again)");
    }

    @Test
    void a_lease_that_ends_gives_the_activity_to_the_next_with_its_progress_and_the_late_one_is_refused()
            throws SQLException {
        String id = app.start("df.activity('late', lease => '1 s')");
        String late = claim(program, "late");
        assertThat(program.value("SELECT df.extend_activity('" + late + "', '1 s', '{\"page\": 7}')"))
                .isEqualTo("t");
        assertThat(app.value(
                        "SELECT attempt || ' ' || progress::text FROM df.claim_activities('late', wait => '20 s')"))
                .isEqualTo("2 {\"page\": 7}");
        assertThat(program.value("SELECT df.extend_activity('" + late + "')")).isEqualTo("f");
        assertThat(refusal(
                                program,
                                "BEGIN; INSERT INTO written VALUES ('late', ''); SELECT df.complete_activity('" + late
                                        + "'); COMMIT")
                        .getSQLState())
                .isEqualTo("DF004");
        program.execute("ROLLBACK");
        assertThat(count("late")).isEqualTo("0");
        app.execute("SELECT df.complete_activity(token) FROM df._claimed_activities WHERE kind = 'late'");
        assertThat(app.await(id).status()).isEqualTo("completed");
    }

    @Test
    void after_its_last_attempt_it_is_lost() throws SQLException {
        String id = app.start(
                "df.catch(df.activity('lost', lease => '1 s', max_attempts => 1), 'SELECT $error.code AS c', '{activity_lost}')");
        String token = claim(program, "lost");
        assertThat(app.await(id).output()).contains("\"c\":\"activity_lost\"");
        assertThat(refusal(program, "SELECT df.complete_activity('" + token + "')")
                        .getSQLState())
                .isEqualTo("DF004");
    }
}
