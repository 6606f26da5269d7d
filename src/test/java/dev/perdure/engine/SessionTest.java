package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The session in which steps run: whose it is, and that nothing of one step is left for the next. */
class SessionTest {

    private static TestDatabase database;
    private static InProcessWorker worker;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        // One session: what is left behind meets the next step.
        worker = InProcessWorker.start(database, Map.of("perdure.step.max-concurrent", "1"));
        app = Submitter.of(database, "session_app");
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
    void a_step_is_logged_in_as_its_submitter_and_cannot_become_the_worker() throws SQLException {
        assertThat(query("SELECT session_user AS s, current_user AS c, current_setting('df.in_workflow') AS w")
                        .output())
                .contains("{\"s\":\"session_app\",\"c\":\"session_app\",\"w\":\"true\"}");
        for (String attempt : new String[] {
            "DO 'BEGIN SET ROLE df_worker; END'",
            "DO 'BEGIN SET SESSION AUTHORIZATION df_worker; END'",
            "SELECT set_config('role', 'df_worker', false)",
            "SELECT set_config('session_authorization', 'df_worker', false)"
        }) {
            var ended = query(attempt);
            assertThat(ended.status()).as(attempt).isEqualTo("failed");
            assertThat(ended.output()).contains("permission denied");
        }
        assertThat(query("SELECT key FROM df._epoch").output()).contains("permission denied");
    }

    @Test
    void roles_whose_names_need_quotes_run_their_own_steps() throws SQLException {
        try (Submitter odd = Submitter.of(database, "Odd \"role\" 'x'; --")) {
            assertThat(odd.run("'SELECT session_user::text AS who'").output())
                    .contains("{\"who\":\"Odd \\\"role\\\" 'x'; --\"}");
        }
    }

    @Test
    @SuppressWarnings("try")
    void idle_sessions_of_many_roles_do_not_add_up() throws SQLException {
        TestDatabase crowded = PostgresServer.get().newDatabase();
        try (InProcessWorker few = InProcessWorker.start(crowded, Map.of("perdure.step.max-concurrent", "4"));
                Submitter observer = Submitter.observer(crowded)) {
            for (int i = 0; i < 5; i++) {
                try (Submitter role = Submitter.of(crowded, "session_role_" + i)) {
                    assertThat(role.run("df.join('SELECT pg_sleep(0.1)', 'SELECT pg_sleep(0.1)')")
                                    .status())
                            .isEqualTo("completed");
                }
            }

            observer.awaitValue(
                    "t",
                    "SELECT count(*) BETWEEN 1 AND 4 FROM pg_stat_activity"
                            + " WHERE datname = current_database() AND application_name = 'perdure-step'");
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    CREATE TEMP TABLE left_behind (x int)                    | SELECT to_regclass('left_behind') IS NULL
                    SELECT set_config('search_path', 'pg_temp', false)       | SELECT current_setting('search_path') = '"$user", public'
                    SET work_mem = '123kB'                                   | SELECT current_setting('work_mem') <> '123kB'
                    SET TIME ZONE 'Asia/Tokyo'                               | SELECT current_setting('TimeZone') = 'UTC'
                    SET datestyle = 'ISO, DMY'                               | SELECT current_setting('DateStyle') = 'ISO, MDY'
                    SET statement_timeout = '50ms'                           | SELECT pg_sleep(0.1) IS NOT NULL
                    SET default_transaction_read_only = on                   | CREATE TABLE IF NOT EXISTS written (x int)
                    SET default_transaction_isolation = 'serializable'       | SELECT current_setting('transaction_isolation') = 'read committed'
                    SET standard_conforming_strings = off                    | SELECT current_setting('standard_conforming_strings') = 'on'
                    SET bytea_output = 'escape'                              | SELECT current_setting('bytea_output') = 'hex'
                    SET lc_messages = 'C'                                    | SELECT 1
                    SET df.in_workflow = 'false'                             | SELECT current_setting('df.in_workflow') = 'true'
                    SET my.secret = 'x'                                      | SELECT coalesce(current_setting('my.secret', true), '') = ''
                    SELECT pg_advisory_lock(991)                             | SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory' AND objid = 991
                    SELECT pg_advisory_lock_shared(992)                      | SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory' AND objid = 992
                    DO 'BEGIN LISTEN gossip; END'                            | SELECT count(*) = 0 FROM pg_listening_channels()
                    PREPARE left_plan AS SELECT 1                            | SELECT count(*) = 0 FROM pg_prepared_statements WHERE name = 'left_plan'
                    DECLARE left_cursor CURSOR WITH HOLD FOR SELECT 1        | SELECT count(*) = 0 FROM pg_cursors WHERE name = 'left_cursor'
                    DECLARE cursor2 CURSOR FOR SELECT 1                      | SELECT count(*) = 0 FROM pg_cursors WHERE name = 'cursor2'
                    DEALLOCATE ALL                                           | SELECT 1
                    SELECT set_config('lock_timeout', '1', false)            | SELECT current_setting('lock_timeout') = '0'
                    SELECT set_config('session_replication_role','x',false)  | SELECT current_setting('session_replication_role') = 'origin'
                    SELECT nextval('session_seq')                            | SELECT lastval()
                    SELECT setseed(0.5)                                      | SELECT 1
                    """)
    void nothing_of_a_step_is_left_for_the_next_one(String step, String look) throws SQLException {
        app.execute("CREATE SEQUENCE IF NOT EXISTS session_seq");
        query(step);
        var ended = query(look);

        if (look.contains("lastval")) {
            assertThat(ended.output()).contains("lastval is not yet defined");
        } else {
            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(ended.output()).doesNotContain("false");
        }
    }

    @Test
    void a_step_cannot_change_the_style_of_dates_for_the_checkpoint() throws SQLException {
        assertThat(query("SET datestyle = 'German'").output()).contains("a step cannot change DateStyle");
    }

    @ParameterizedTest
    @ValueSource(strings = {"LATIN1", "SQL_ASCII", "SJIS"})
    void a_step_cannot_change_the_encoding_of_its_session(String encoding) throws SQLException {
        assertThat(query("SET client_encoding = '" + encoding + "'").output()).contains("client_encoding");
        assertThat(query("SELECT set_config('client_encoding', '" + encoding + "', true) AS \"ä\"")
                        .status())
                .isEqualTo("failed");

        assertThat(query("SELECT 'ä€' AS v").output()).contains("ä€");
    }

    @Test
    void a_step_that_prepares_or_deallocates_does_not_reach_the_checkpoint() throws SQLException {
        for (String name : new String[] {"S_1", "S_2", "\"\""}) {
            query("PREPARE " + name + " AS SELECT 'completed:forged'");
        }
        query("DEALLOCATE ALL");

        assertThat(app.run("'PREPARE mine AS SELECT 7 AS n' ~> 'SELECT 1' ~> 'SELECT 8 AS n'")
                        .output())
                .contains("8");
    }

    @Test
    void what_a_procedure_prepares_outside_a_transaction_is_not_there_in_the_next_step() throws SQLException {
        app.execute("CREATE PROCEDURE leave_plan() LANGUAGE plpgsql AS $$ BEGIN COMMIT;"
                + " EXECUTE 'PREPARE left_by_call AS SELECT 1'; END $$");

        assertThat(query("CALL leave_plan()").status()).isEqualTo("completed");
        assertThat(query("SELECT count(*) AS n FROM pg_prepared_statements WHERE name = 'left_by_call'")
                        .output())
                .contains("\"n\":0");
    }

    @Test
    void a_step_that_removes_all_prepared_statements_removes_none_of_ours() throws SQLException {
        app.execute("CREATE TABLE IF NOT EXISTS removed (n int)");
        for (int i = 0; i < 5; i++) {
            var ended = app.run("'DO $do$ BEGIN INSERT INTO removed VALUES (1); EXECUTE ''DEALLOCATE ALL''; END $do$'");

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        }
        assertThat(app.value("SELECT count(*) FROM removed")).isEqualTo("5");
    }

    @Test
    void what_a_step_prepares_stands_in_for_nothing_and_is_not_left_behind() throws SQLException {
        query("SELECT 1");
        String replace = "DO $do$ BEGIN EXECUTE ''DEALLOCATE ALL''; FOR i IN 1..30 LOOP "
                + "EXECUTE format(''PREPARE %I AS SELECT %L'', ''S_'' || i, ''completed:forged''); END LOOP; END $do$";

        assertThat(app.run("'" + replace + "' ~> 'SELECT 3 AS n'").output())
                .contains("3")
                .doesNotContain("forged");
        for (int i = 0; i < 5; i++) {
            assertThat(query("SELECT count(*) = 0 AS v FROM pg_prepared_statements WHERE from_sql")
                            .output())
                    .contains("true");
        }
    }

    @Test
    void functions_of_the_user_in_front_of_pg_catalog_are_not_called_by_the_protocol() throws SQLException {
        try (Submitter shadow = Submitter.of(database, "session_shadow")) {
            database.asSuperuser("CREATE SCHEMA shadow AUTHORIZATION session_shadow");
            for (String function : new String[] {
                "pg_advisory_unlock_all() RETURNS void",
                "count(text) RETURNS int",
                "current_database() RETURNS name",
                "nullif(text, text) RETURNS text",
                "sha256(bytea) RETURNS bytea"
            }) {
                shadow.execute("CREATE FUNCTION shadow."
                        + function.replace("current_database", "\"current_database\"")
                                .replace("nullif", "\"nullif\"")
                        + " LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END'");
            }
            shadow.execute(
                    "CREATE FUNCTION shadow.eq(text, text) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';"
                            + " CREATE OPERATOR shadow.= (LEFTARG = text, RIGHTARG = text, FUNCTION = shadow.eq);"
                            + " ALTER ROLE session_shadow SET search_path = shadow, pg_catalog, public");

            assertThat(shadow.run("'SELECT 1' OPERATOR(public.~>) 'SELECT 2 AS n'")
                            .output())
                    .contains("2");
        }
    }

    @Test
    void hostile_defaults_of_a_role_do_not_reach_the_protocol() throws SQLException {
        try (Submitter hostile = Submitter.of(database, "session_hostile")) {
            for (String setting : new String[] {
                "default_transaction_isolation = 'repeatable read'",
                "default_transaction_read_only = on",
                "default_transaction_deferrable = on",
                "standard_conforming_strings = off",
                "synchronous_commit = off",
                "datestyle = 'German'",
                "intervalstyle = 'iso_8601'",
                "bytea_output = 'escape'",
                "timezone = 'Asia/Tokyo'",
                "extra_float_digits = -10",
                "client_encoding = 'LATIN1'",
                "search_path = 'pg_temp'",
                "df.in_workflow = 'false'",
                "idle_in_transaction_session_timeout = '1ms'",
                "idle_session_timeout = '1ms'"
            }) {
                database.asSuperuser("ALTER ROLE session_hostile SET " + setting);
            }
            var ended = hostile.run("'SELECT 0.1::float8 AS f, ''1 day''::interval AS i, ''{\"ä\"}''::text[] AS a,"
                    + " ''2026-01-31 00:00:00+00''::timestamptz AS t' ~> 'SELECT pg_catalog.pg_sleep(0.1)'"
                    + " ~> 'SELECT current_setting(''df.in_workflow'') AS w'");

            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(ended.output()).contains("\"w\":\"true\"");
            assertThat(hostile.value(
                            "SELECT result #>> '{rows,0}' FROM df.nodes WHERE instance_id = ? AND pg_catalog.starts_with(query, 'SELECT 0.1')",
                            ended.id()))
                    .contains("\"f\": 0.1", "\"i\": \"1 day\"", "\"t\": \"2026-01-31T00:00:00+00:00\"", "\"ä\"");
        }
    }
}
