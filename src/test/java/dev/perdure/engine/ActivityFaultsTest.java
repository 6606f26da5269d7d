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
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs that are late, sit on what they hold, or send what does not do: nothing of theirs is lost or done twice, and nobody waits. */
@Slow("leases that run out")
class ActivityFaultsTest {

    private static TestDatabase database;
    private static Submitter app;
    private static Submitter program;
    private static InProcessWorker worker;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        app = Submitter.of(database, "faulty_app");
        program = Submitter.of(database, "faulty_app");
        app.execute("CREATE TABLE written (kind text)");
        worker = InProcessWorker.start(database);
    }

    @AfterAll
    static void end() throws SQLException {
        worker.close();
        app.close();
        program.close();
    }

    private static SQLException refusal(String sql) {
        return Objects.requireNonNull(catchThrowableOfType(SQLException.class, () -> program.execute(sql)), sql);
    }

    private static String claim(String kind) throws SQLException {
        return Objects.requireNonNull(
                program.value("SELECT token FROM df.claim_activities('" + kind + "', wait => '20 s')"));
    }

    private static void rollBack() throws SQLException {
        program.execute("ROLLBACK");
    }

    @ParameterizedTest
    @ValueSource(strings = {"READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"})
    void a_time_limit_ends_an_activity_that_a_program_sits_on_and_the_program_is_refused_at_commit(String isolation)
            throws SQLException {
        String id = app.start("df.timeout(df.activity('sat on'), '1500 ms', 'SELECT ''over'' AS how')");
        String token = claim("sat on");
        program.execute("BEGIN ISOLATION LEVEL " + isolation + "; INSERT INTO written VALUES ('sat on');"
                + " SELECT df.complete_activity('" + token + "')");
        assertThat(app.await(id).output()).contains("\"how\":\"over\"");
        assertThat(refusal("COMMIT").getSQLState()).isEqualTo("DF004");
        rollBack();
        assertThat(app.value("SELECT count(*) FROM written WHERE kind = 'sat on'"))
                .isEqualTo("0");
        app.awaitValue("0", "SELECT count(*) FROM df.activities WHERE kind = 'sat on'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"REPEATABLE READ", "SERIALIZABLE"})
    void a_program_claims_and_completes_in_other_isolation_levels(String isolation) throws SQLException {
        String id = app.start("df.activity('isolated')");
        app.awaitValue("1", "SELECT count(*) FROM df.activities WHERE kind = 'isolated'");
        program.execute("BEGIN ISOLATION LEVEL " + isolation
                + "; SELECT df.complete_activity(token, '{\"n\": 1}') FROM df.claim_activities('isolated'); COMMIT");
        assertThat(app.await(id).output()).isEqualTo("{\"n\":1}");
        program.execute("BEGIN ISOLATION LEVEL " + isolation);
        assertThat(refusal("SELECT * FROM df.claim_activities('isolated', wait => '1 s')")
                        .getMessage())
                .contains("cannot wait");
        rollBack();
    }

    @Test
    void a_cancel_and_a_lost_race_end_it_and_extend_says_so() throws SQLException {
        String id = app.start("df.activity('cancelled')");
        String token = claim("cancelled");
        app.execute("SELECT df.cancel('" + id + "', 'not any more')");
        assertThat(program.value("SELECT df.extend_activity('" + token + "')")).isEqualTo("f");
        assertThat(refusal("SELECT df.complete_activity('" + token + "')").getSQLState())
                .isEqualTo("DF004");
        assertThat(app.await(id).status()).isEqualTo("cancelled");

        String race = app.start("df.activity('raced') | df.wait_for_signal('go')");
        String late = claim("raced");
        app.execute("SELECT df.signal('" + race + "', 'go')");
        assertThat(app.await(race).status()).isEqualTo("completed");
        assertThat(program.value("SELECT df.extend_activity('" + late + "')")).isEqualTo("f");
    }

    @Test
    void what_was_completed_before_its_limit_was_over_counts_although_no_worker_saw_it_then() throws SQLException {
        String id = app.start("df.timeout(df.activity('in time'), '4 s', 'SELECT ''over'' AS how')");
        String token = claim("in time");
        worker.close();
        program.execute("SELECT df.complete_activity('" + token + "', '{\"how\": \"in time\"}')");
        app.awaitValue(
                "t", "SELECT clock_timestamp() > created_at + interval '4500 ms' FROM df.instances WHERE id = ?", id);
        worker = InProcessWorker.start(database);
        assertThat(app.await(id).output()).isEqualTo("{\"how\":\"in time\"}");
    }

    @Test
    void a_race_of_two_that_are_answered_at_once_is_won_by_one() throws SQLException {
        String id = app.start("df.activity('first') | df.activity('second')");
        String first = claim("first");
        String second = claim("second");
        program.execute("BEGIN; SELECT df.complete_activity('" + first + "', '1'), df.complete_activity('" + second
                + "', '1'); COMMIT");
        assertThat(app.await(id).output()).isEqualTo("1");
    }

    @Test
    void an_undo_that_a_program_does_is_done_although_the_instance_is_cancelled() throws SQLException {
        String id =
                app.start("df.saga(df.with_undo('SELECT 1', df.activity('undone')) ~> df.wait_for_signal('never'))");
        app.awaitValue(
                "1",
                "SELECT count(*) FROM df.nodes WHERE instance_id = ? AND node_type = 'SIGNAL' AND status = 'running'",
                id);
        app.execute("SELECT df.cancel('" + id + "')");
        program.execute("SELECT df.complete_activity('" + claim("undone") + "')");
        assertThat(app.await(id).status()).isEqualTo("cancelled");
        assertThat(app.value("SELECT compensated FROM df.instances WHERE id = ?", id))
                .isEqualTo("t");
    }

    @Test
    void a_token_in_two_transactions_at_once_decides_once() throws Exception {
        String id = app.start("df.activity('twice')");
        String token = claim("twice");
        try (Submitter second = Submitter.of(database, "faulty_app")) {
            program.execute("BEGIN; SELECT df.complete_activity('" + token + "', '1')");
            second.execute("SET lock_timeout = '300 ms'");
            SQLException waits = catchThrowableOfType(
                    SQLException.class, () -> second.execute("SELECT df.complete_activity('" + token + "', '2')"));
            assertThat(Objects.requireNonNull(waits).getSQLState()).isEqualTo("55P03");
            assertThat(program.value("SELECT df.complete_activity('" + token + "', '3')"))
                    .isEqualTo("f");
            program.execute("COMMIT");
        }
        assertThat(app.await(id).output()).isEqualTo("1");
    }

    @Test
    void a_token_of_before_a_take_over_or_of_a_transaction_that_was_rolled_back_is_the_current_one()
            throws SQLException {
        String id = app.start("df.activity('taken over')");
        String token = claim("taken over");
        worker.loseMemory();
        program.execute("BEGIN; INSERT INTO written VALUES ('taken over'); SELECT df.complete_activity('" + token
                + "', '{\"n\": 1}'); ROLLBACK");
        // Said a moment after it has begun to wait.
        app.awaitValue("running", "SELECT df.status(?)", id);
        program.execute("BEGIN; INSERT INTO written VALUES ('taken over'); SELECT df.complete_activity('" + token
                + "', '{\"n\": 2}'); COMMIT");
        assertThat(app.await(id).output()).isEqualTo("{\"n\":2}");
        assertThat(app.value("SELECT count(*) FROM written WHERE kind = 'taken over'"))
                .isEqualTo("1");
        assertThat(refusal("SELECT df.complete_activity('" + token + "')").getMessage())
                .contains("completed already");
        assertThat(program.value("SELECT df.extend_activity('" + token + "')")).isEqualTo("f");
    }

    @Test
    void a_token_of_a_transaction_whose_claim_was_rolled_back_is_none() throws SQLException {
        String id = app.start("df.activity('given back')");
        app.awaitValue("1", "SELECT count(*) FROM df.activities WHERE kind = 'given back'");
        program.execute("BEGIN");
        String token = claim("given back");
        program.execute("ROLLBACK");
        assertThat(refusal("SELECT df.complete_activity('" + token + "')").getSQLState())
                .isEqualTo("DF004");
        program.execute("SELECT df.complete_activity('" + claim("given back") + "')");
        assertThat(app.await(id).status()).isEqualTo("completed");
    }

    @Test
    void a_lost_activity_whose_instance_its_user_has_locked_keeps_nobody_elses_lease() throws SQLException {
        String lost = app.start("df.activity('locked and lost', lease => '1 s', max_attempts => 1)");
        claim("locked and lost");
        app.execute("BEGIN; SELECT FROM df.instances WHERE id = '" + lost + "' FOR UPDATE");
        try (Submitter other = Submitter.of(database, "faulty_other")) {
            String id = other.start("df.activity('beside', lease => '1 s')");
            other.value("SELECT token FROM df.claim_activities('beside', wait => '20 s')");
            assertThat(other.value("SELECT attempt FROM df.claim_activities('beside', wait => '10 s')"))
                    .isEqualTo("2");
            other.execute("SELECT df.cancel('" + id + "')");
        } finally {
            app.execute("COMMIT");
        }
        assertThat(app.await(lost).output()).contains("was claimed 1 times, and was lost each time");
    }

    /** SET CONSTRAINTS does at once what COMMIT would, and the transaction stays open. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void completions_that_are_brought_forward_and_held_are_not_waited_for(boolean isGranted) throws SQLException {
        String kind = isGranted ? "held, granted" : "held, own";
        if (isGranted) {
            app.execute("SELECT df.grant_activity('" + kind + "', 'public')");
        }
        String id = app.start("df.map('SELECT g FROM generate_series(1, 200) AS g', df.activity('" + kind
                + "'), max_concurrent => 1000)");
        app.awaitValue("200", "SELECT count(*) FROM df.activities WHERE kind = ?", kind);
        program.execute("BEGIN; SET CONSTRAINTS ALL IMMEDIATE;"
                + " SELECT count(df.complete_activity(token)) FROM df.claim_activities('" + kind + "', 200)");
        String took;
        try (Submitter owner = Submitter.at(database.url())) {
            owner.execute("CREATE TEMP TABLE took (millis float8)");
            owner.execute("DO $$ DECLARE began timestamptz := clock_timestamp(); BEGIN BEGIN"
                    + " PERFORM df._end_activities('" + id
                    + "', '[{\"node\": \"*\"}]', ARRAY(SELECT m.id FROM df._maps m), false);"
                    + " EXCEPTION WHEN lock_not_available THEN NULL; END;"
                    + " INSERT INTO took SELECT extract(epoch FROM clock_timestamp() - began) * 1000; END $$");
            took = Objects.requireNonNull(owner.value("SELECT millis FROM took"));
        }
        assertThat(Double.parseDouble(took)).as("200 times 20 ms would be 4 s").isLessThan(1500);
        app.execute("SELECT df.cancel('" + id + "')");
        if (isGranted) {
            assertThat(app.await(id).status()).isEqualTo("cancelled");
            program.execute("COMMIT");
        } else {
            program.execute("COMMIT");
            assertThat(app.await(id).status()).isEqualTo("cancelled");
        }
    }

    @Test
    void what_does_not_do_is_refused_with_what_would() throws SQLException {
        assertThat(refusal("SELECT * FROM df.claim_activities('x', most => 1000000)")
                        .getMessage())
                .contains("most must be between 1 and 1000, not 1000000");
        assertThat(refusal("SELECT * FROM df.claim_activities('x', wait => '1 hour')")
                        .getMessage())
                .contains("wait must be between 0 and 60 seconds");
        assertThat(refusal("SELECT * FROM df.claim_activities(' ')").getMessage())
                .contains("the kind must not be empty");
        assertThat(app.run(
                                "'SELECT repeat(''x'', 2000000) AS big' |=> 'r' ~> df.activity('x', '{\"big\": \"$r.big\"}')")
                        .output())
                .contains("the payload has 2000011 bytes, and at most 1000000 are allowed");
        assertThat(app.run("'SELECT ''{'' AS wrong' |=> 'r' ~> df.activity('x', '$r.wrong')")
                        .output())
                .contains("the payload is no JSON that jsonb can hold");
        String id = app.start("df.activity('checked')");
        String token = claim("checked");
        assertThat(refusal("SELECT df.complete_activity('" + token + "', to_jsonb(repeat('x', 16000000)))")
                        .getMessage())
                .contains("the result has 16000002 bytes, and at most 1000000 are allowed");
        assertThat(refusal("SELECT df.complete_activity('" + token + "', '{\"a\": \"\\u0000\"}')")
                        .getMessage())
                .contains("the result is no JSON that jsonb can hold");
        assertThat(refusal("SELECT df.fail_activity('" + token + "', 'no', code => 'two words')")
                        .getMessage())
                .contains("\"two words\" is no code");
        program.execute("SELECT df.complete_activity('" + token + "')");
        assertThat(app.await(id).status()).isEqualTo("completed");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "df.activity('')                               | the kind must not be empty",
                "df.activity('x', '{')                         | the payload is no JSON: {",
                "df.activity('x', lease => '1 ms')             | lease must be between 1 second and 30 days",
                "df.activity('x', max_attempts => 0)           | max_attempts must be between 1 and 1000000",
                "df.start('{\"node_type\":\"ACTIVITY\",\"query\":\"{}\"}') | ACTIVITY has no kind",
            })
    void a_builder_says_what_is_wrong(String expression, String message) {
        assertThat(refusal("SELECT " + expression).getMessage()).contains(message);
    }
}
