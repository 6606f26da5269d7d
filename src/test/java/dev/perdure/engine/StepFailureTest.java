package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Steps that fail, that may not run, and that cannot run in a transaction. */
class StepFailureTest {

    private static TestDatabase database;
    private static InProcessWorker worker;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        worker = InProcessWorker.start(database);
        app = Submitter.of(database, "fail_app");
        app.execute("CREATE TABLE ledger (id bigint GENERATED ALWAYS AS IDENTITY, step text)");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
    }

    private static Submitter.Ended query(String sql) throws SQLException {
        return app.run("$df$" + sql + "$df$");
    }

    @Test
    void the_error_is_on_the_node_on_the_instance_and_in_its_info() throws SQLException {
        var ended = app.run("'SELECT 1' ~> 'SELECT missing FROM nowhere' ~> 'SELECT 3'");
        String error = "SQL execution failed: error returned from database: relation \"nowhere\" does not exist";

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).isEqualTo(error);
        assertThat(app.node(ended.id(), "SELECT missing", "status")).isEqualTo("failed");
        assertThat(app.node(ended.id(), "SELECT missing", "error")).isEqualTo(error);
        assertThat(app.node(ended.id(), "SELECT missing", "result #>> '{}'")).isEqualTo(error);
        assertThat(app.node(ended.id(), "SELECT missing", "executed_query")).isEqualTo("SELECT missing FROM nowhere");
        assertThat(app.node(ended.id(), "SELECT 3", "status")).isEqualTo("pending");
        assertThat(app.value("SELECT output FROM df.instance_info(?)", ended.id()))
                .startsWith(error + "\nNode: ");
        assertThat(app.value("SELECT df.status(?)", ended.id())).isEqualTo("failed");
    }

    @Test
    void the_effects_of_a_failing_statement_are_rolled_back_and_those_before_it_stay() throws SQLException {
        query("CREATE OR REPLACE FUNCTION half() RETURNS void LANGUAGE plpgsql AS"
                + " 'BEGIN INSERT INTO ledger (step) VALUES (''half''); RAISE ''no''; END'");
        app.run("'INSERT INTO ledger (step) VALUES (''whole'')' ~> 'SELECT half()'");

        assertThat(app.value("SELECT string_agg(step, ',') FROM ledger WHERE step IN ('half', 'whole')"))
                .isEqualTo("whole");
    }

    @Test
    void a_substitution_that_fails_executes_nothing() throws SQLException {
        var ended = app.run("'SELECT 1 AS n WHERE false' |=> 'r' ~> 'INSERT INTO ledger (step) VALUES ($r)'");

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).isEqualTo("$r has no rows — query returned zero results");
    }

    @Test
    void a_constraint_that_is_checked_at_commit_fails_the_step_and_takes_its_effect_back() throws SQLException {
        app.execute("CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (parent int REFERENCES parent"
                + " DEFERRABLE INITIALLY DEFERRED)");

        var ended = app.run("'INSERT INTO child VALUES (7)' ~> 'INSERT INTO ledger (step) VALUES (''after child'')'");

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).contains("violates foreign key constraint");
        assertThat(app.value("SELECT count(*) FROM child")).isEqualTo("0");
        assertThat(app.value("SELECT count(*) FROM ledger WHERE step = 'after child'"))
                .isEqualTo("0");
    }

    @Test
    void a_deferred_trigger_that_raises_fails_the_step_and_takes_its_effect_back() throws SQLException {
        app.execute("CREATE TABLE guarded (v text);"
                + " CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''guarded''; END';"
                + " CREATE CONSTRAINT TRIGGER guard AFTER INSERT ON guarded DEFERRABLE INITIALLY DEFERRED"
                + " FOR EACH ROW EXECUTE FUNCTION guard()");

        var ended = query("INSERT INTO guarded VALUES ('x')");

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).contains("guarded");
        assertThat(app.value("SELECT count(*) FROM guarded")).isEqualTo("0");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "BEGIN",
                "begin isolation level serializable",
                "START TRANSACTION",
                "COMMIT",
                "commit and chain",
                "END",
                "ROLLBACK",
                "ABORT",
                "ROLLBACK TO SAVEPOINT a",
                "SAVEPOINT a",
                "RELEASE SAVEPOINT a",
                "PREPARE TRANSACTION 'a'",
                "COMMIT PREPARED 'a'",
                "SET ROLE df_worker",
                "SET LOCAL ROLE df_worker",
                "SET SESSION ROLE df_worker",
                "RESET ROLE",
                "SET SESSION AUTHORIZATION df_worker",
                "SET LOCAL SESSION AUTHORIZATION DEFAULT",
                "RESET SESSION AUTHORIZATION",
                "DISCARD ALL",
                "DISCARD PLANS",
                "LISTEN df",
                "COPY ledger FROM STDIN",
                "COPY ledger TO STDOUT",
                "COPY (SELECT 1) TO STDOUT",
                "SELECT 1; SELECT 2",
                "SELECT 1; COMMIT",
                ";;; COMMIT",
                "/* a /* nested */ comment */ COMMIT",
                "-- a comment\n\t COMMIT",
                "; -- x\n ; /**/ ROLLBACK",
                "SELECT 1; -- two\n SELECT 2",
                "SELECT $1",
                "SELECT '\\'; COMMIT; --'"
            })
    void a_statement_that_may_not_run_fails_with_a_reason_and_later_ones_are_not_affected(String sql)
            throws SQLException {
        var ended = query(sql);

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output())
                .startsWith("SQL execution failed: ")
                .containsAnyOf("not allowed in a step", "multiple commands", "bind message", "parameter");
        assertThat(query("SELECT session_user AS who, current_user AS acting").output())
                .contains("\"who\":\"fail_app\",\"acting\":\"fail_app\"");
    }

    @Test
    void statements_that_look_dangerous_and_are_not_run() throws SQLException {
        assertThat(query("SELECT 'a;b', $$;COMMIT;$$, \";\" FROM (SELECT 1 AS \";\") x")
                        .status())
                .isEqualTo("completed");
        assertThat(query("SELECT 1; -- the end").status()).isEqualTo("completed");
        assertThat(query("SELECT '{\"a\": 1}'::jsonb ? 'a' AS has").output()).contains("true");
        assertThat(query(
                                "CREATE OR REPLACE FUNCTION two() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END")
                        .status())
                .isEqualTo("completed");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "VACUUM ledger",
                "VACUUM (ANALYZE) ledger",
                "CREATE INDEX CONCURRENTLY ON ledger (step)",
                "REINDEX TABLE CONCURRENTLY ledger",
                "CALL in_parts()",
                "DO 'BEGIN INSERT INTO ledger (step) VALUES (''part''); COMMIT; END'",
            })
    void a_statement_that_needs_to_be_outside_a_transaction_runs_there_and_says_so(String sql) throws SQLException {
        app.execute("CREATE OR REPLACE PROCEDURE in_parts() LANGUAGE plpgsql AS"
                + " 'BEGIN INSERT INTO ledger (step) VALUES (''part''); COMMIT; INSERT INTO ledger (step) VALUES (''part'');"
                + " COMMIT; END'");
        String before = app.value("SELECT count(*) FROM ledger WHERE step = 'part'");

        var ended = app.run("'SELECT 1' ~> $df$" + sql + "$df$ ~> 'SELECT 2 AS last'");

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(ended.output()).contains("\"last\":2");
        assertThat(app.node(ended.id(), sql, "status_details ->> 'at_least_once'"))
                .containsAnyOf("transaction block", "transaction termination");
        assertThat(app.node(ended.id(), "SELECT 1", "jsonb_exists(status_details, 'at_least_once')"))
                .isEqualTo("f");
        int parts = sql.startsWith("CALL") ? 2 : sql.startsWith("DO") ? 1 : 0;
        assertThat(app.value("SELECT count(*) - ?::text::int FROM ledger WHERE step = 'part'", before))
                .isEqualTo(Integer.toString(parts));
    }

    @Test
    void a_statement_outside_a_transaction_that_fails_leaves_its_error() throws SQLException {
        var ended = query("CREATE UNIQUE INDEX CONCURRENTLY ON missing_table (x)");

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).contains("missing_table");
        assertThat(query("VACUUM missing_table").output()).contains("missing_table");
    }

    @Test
    void a_function_that_commits_cannot() throws SQLException {
        app.execute("CREATE OR REPLACE FUNCTION commits() RETURNS void LANGUAGE plpgsql AS 'BEGIN COMMIT; END'");

        var ended = query("SELECT commits()");

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).contains("invalid transaction termination");
    }

    @Test
    void a_timeout_that_the_role_set_for_itself_fails_the_step() throws SQLException {
        database.createUser("fail_hasty");
        database.asSuperuser("ALTER ROLE fail_hasty SET statement_timeout = '100ms'");
        try (Submitter hasty = Submitter.of(database, "fail_hasty")) {
            // For the session that starts it, a hundred milliseconds are few on a busy machine.
            hasty.execute("SET statement_timeout = 0");
            var ended = hasty.run("'SELECT pg_sleep(30)'");

            assertThat(ended.status()).isEqualTo("failed");
            assertThat(ended.output()).contains("statement timeout");
        }
    }
}
