package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Short steps that follow one another share a transaction, and nothing else changes. */
class FusionTest {

    private static final String INSERT = "INSERT INTO fused (what, tx) SELECT ''%s'', txid_current()";

    private static TestDatabase database;
    private static InProcessWorker worker;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        // Generous, so that a crowded machine does not make a short statement long.
        worker = InProcessWorker.start(database, Map.of("perdure.step.share-below", "5s"));
        app = Submitter.of(database, "fusion_app");
        prepare(app);
    }

    private static void prepare(Submitter by) throws SQLException {
        by.execute(
                "CREATE TABLE fused (id bigserial, what text, tx bigint);"
                        + " CREATE TABLE switch (armed boolean NOT NULL);"
                        + " INSERT INTO switch VALUES (false); CREATE SEQUENCE tries;"
                        // What is in a function is not seen in the statement.
                        + " CREATE FUNCTION stop_when_armed(instance text) RETURNS text LANGUAGE plpgsql AS"
                        + " 'BEGIN IF (SELECT armed FROM switch) THEN RETURN df.cancel(instance, ''myself''); END IF; RETURN 1; END'");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
    }

    @BeforeEach
    void disarm() throws SQLException {
        app.execute("UPDATE switch SET armed = false; TRUNCATE fused");
    }

    private static String insert(String what) {
        return "'" + INSERT.formatted(what) + "'";
    }

    @Test
    void short_steps_share_one_transaction() throws SQLException {
        var ended = app.run(insert("shared 1") + " ~> " + insert("shared 2") + " ~> " + insert("shared 3"));

        assertThat(app.value("SELECT count(*) || ' ' || count(DISTINCT tx) FROM fused"))
                .isEqualTo("3 1");
        assertThat(app.value("SELECT string_agg(what, ', ' ORDER BY id) FROM fused"))
                .isEqualTo("shared 1, shared 2, shared 3");
        assertThat(app.value(
                        "SELECT string_agg(DISTINCT status, ' ') || ' ' || count(*) || ' '"
                                + " || count(*) FILTER (WHERE node_type = 'SQL' AND attempt = 1 AND started_at IS NOT NULL)"
                                + " FROM df.nodes WHERE instance_id = ?",
                        ended.id()))
                .isEqualTo("completed 5 3");
    }

    @Test
    void no_steps_share_where_people_do_not_want_it() throws SQLException {
        TestDatabase own = PostgresServer.get().newDatabase();
        try (InProcessWorker worker = InProcessWorker.start(own, Map.of("perdure.step.share-transactions", "false"));
                Submitter user = Submitter.of(own, "fusion_app")) {
            prepare(user);
            user.run(insert("alone 1") + " ~> " + insert("alone 2") + " ~> " + insert("alone 3"));

            assertThat(user.value("SELECT count(*) || ' ' || count(DISTINCT tx) FROM fused"))
                    .isEqualTo("3 3");
            assertThat(worker.leaderStatus().epoch()).isEqualTo(1);
        }
    }

    @Test
    void results_names_and_conditions_work_inside_a_shared_transaction() throws SQLException {
        String workflow = "'SELECT 40 + 2 AS n' |=> 'x' ~> df.if('SELECT $x.n = 42', " + insert("yes")
                + ", 'SELECT 0') ~> 'SELECT $x.n AS seen, count(*)::int AS c FROM fused'";

        assertThat(app.run(workflow).output()).contains("{\"seen\":42,\"c\":1}");
    }

    @Test
    void a_step_that_fails_leaves_the_steps_before_it_committed_and_is_not_run_twice() throws SQLException {
        String workflow = insert("before")
                + " ~> 'SELECT nextval(''tries''), 1 / (SELECT CASE WHEN armed THEN 0 ELSE 1 END FROM switch)'";
        app.execute("UPDATE switch SET armed = true");
        app.value("SELECT nextval('tries')");
        long tries = Long.parseLong(app.value("SELECT last_value FROM tries"));

        var ended = app.run(workflow);

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).contains("division by zero");
        assertThat(app.value("SELECT count(*) FROM fused")).isEqualTo("1");
        assertThat(app.value("SELECT last_value FROM tries")).isEqualTo(Long.toString(tries + 1));
        assertThat(app.value(
                        "SELECT string_agg(status, ' ' ORDER BY created_at, id) FILTER (WHERE query LIKE 'INSERT%') || ' '"
                                + " || string_agg(status, ' ') FILTER (WHERE query LIKE '%tries%') FROM df.nodes WHERE instance_id = ?",
                        ended.id()))
                .isEqualTo("completed failed");
    }

    @Test
    void a_step_that_is_slow_is_cut_off_does_not_hold_up_the_steps_before_it_and_joins_no_more() throws SQLException {
        TestDatabase own = PostgresServer.get().newDatabase();
        try (InProcessWorker hasty = InProcessWorker.start(own, Map.of("perdure.step.share-below", "100ms"));
                Submitter user = Submitter.of(own, "fusion_app")) {
            prepare(user);
            // Sequences show at once, also to a statement that runs.
            user.execute(
                    "CREATE SEQUENCE passes; CREATE SEQUENCE door START 2; CREATE FUNCTION pass_door() RETURNS int"
                            + " LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('passes');"
                            + " WHILE (SELECT last_value = 1 FROM door) LOOP PERFORM pg_sleep(0.01); END LOOP; RETURN 1; END $$");
            user.value("SELECT setval('door', 1)");
            String workflow = insert("early") + " ~> 'SELECT pass_door()' ~> " + insert("late");
            String running = "SELECT count(*) || ' ' || (SELECT status FROM df.instances WHERE id = ?) FROM fused";

            String id = user.start(workflow);

            user.awaitValue("1 running", running, id);
            user.awaitValue("2", "SELECT last_value FROM passes");
            user.value("SELECT setval('door', 2)");
            assertThat(user.await(id).status()).isEqualTo("completed");
            assertThat(user.value("SELECT string_agg(what, ' ' ORDER BY id) FROM fused"))
                    .isEqualTo("early late");

            // It is known to be long: now it runs once.
            user.execute("TRUNCATE fused");
            user.value("SELECT setval('door', 1)");
            String again = user.start(workflow);
            user.awaitValue("1 running", running, again);
            user.awaitValue("3", "SELECT last_value FROM passes");
            user.value("SELECT setval('door', 2)");
            assertThat(user.await(again).status()).isEqualTo("completed");
            assertThat(user.value("SELECT last_value FROM passes")).isEqualTo("3");
            assertThat(hasty.statistics().stepsFailed()).isZero();
        }
    }

    @Test
    void a_step_that_cancels_its_own_instance_is_the_last_one() throws SQLException {
        String workflow = "'SELECT stop_when_armed(''{sys_instance_id}'')' ~> " + insert("too late");
        app.execute("UPDATE switch SET armed = true");

        var ended = app.run(workflow);

        assertThat(ended.status()).isEqualTo("cancelled");
        assertThat(app.value("SELECT count(*) FROM fused")).isEqualTo("0");
    }

    @Test
    void a_deferred_constraint_fails_the_step_that_violates_it_and_what_follows_never_happens() throws SQLException {
        app.execute(
                "CREATE TABLE deferred (n int, UNIQUE (n) DEFERRABLE INITIALLY DEFERRED); INSERT INTO deferred VALUES (1)");
        String violate = "'INSERT INTO deferred SELECT CASE WHEN armed THEN 1 ELSE coalesce(max(n), 0) + 1 END"
                + " FROM switch LEFT JOIN deferred ON true GROUP BY armed' ~> " + insert("after");
        app.execute("UPDATE switch SET armed = true");

        var ended = app.run(violate);

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).contains("duplicate key value violates unique constraint");
        assertThat(app.value("SELECT count(*) FROM fused")).isEqualTo("0");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            SELECT set_config(''my.left'', ''x'', false)        | SELECT coalesce(current_setting(''my.left'', true), '''') = ''''
            SELECT set_config(''search_path'', ''pg_temp'', true) | SELECT current_setting(''search_path'') = ''"$user", public''
            SELECT pg_advisory_lock(771)                        | SELECT count(*) = 0 FROM pg_locks WHERE locktype = ''advisory'' AND objid = 771
            SELECT 1 AS one INTO TEMP left_table                | SELECT to_regclass(''left_table'') IS NULL
            SELECT set_config(''role'', ''fusion_app'', false)  | SELECT current_setting(''role'') = ''none''
            """)
    void nothing_of_a_step_is_left_for_the_next_one_in_the_same_transaction(String step, String look)
            throws SQLException {
        String workflow = "'" + step + "' ~> 'SELECT (" + look + ") AS v' |=> 'r' ~> 'SELECT $r.v AS v, count(*) AS n,"
                + " (SELECT count(DISTINCT tx) FROM fused) AS t FROM fused'";

        assertThat(app.run(workflow).output()).contains("{\"v\":true");
    }

    @Test
    void the_body_of_a_loop_shares_a_transaction_in_each_round() throws SQLException {
        String workflow = "df.loop(" + insert("in round") + " ~> " + insert("in round")
                + ", 'SELECT count(*) < 10 FROM fused') ~> 'SELECT 1'";
        assertThat(app.run(workflow).status()).isEqualTo("completed");
        app.execute("TRUNCATE fused");

        var ended = app.run(workflow);

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(app.value("SELECT count(*) || ' ' || count(DISTINCT tx) FROM fused"))
                .isEqualTo("10 5");
    }

    @Test
    void steps_of_a_role_that_reads_snapshots_never_share() throws SQLException {
        try (Submitter snapshots = Submitter.of(database, "fusion_snapshots")) {
            database.asSuperuser("ALTER ROLE fusion_snapshots SET default_transaction_isolation = 'repeatable read';"
                    + " GRANT ALL ON ALL TABLES IN SCHEMA public TO fusion_snapshots;"
                    + " GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO fusion_snapshots");
            String workflow = insert("alone 1") + " ~> " + insert("alone 2");
            snapshots.run(workflow);

            assertThat(app.value("SELECT count(DISTINCT tx) FROM fused")).isEqualTo("2");
        }
    }

    @Test
    void steps_that_look_at_workflows_never_share() throws SQLException {
        String workflow = insert("first")
                + " ~> 'SELECT count(*)::int AS done FROM df.nodes WHERE instance_id = ''{sys_instance_id}'''"
                + " ~> 'SELECT 1'";
        String look = insert("first")
                + " ~> 'SELECT count(*)::int AS done FROM df.nodes WHERE status = ''completed'' AND instance_id = ''{sys_instance_id}'''";

        assertThat(app.run(look).output()).contains("{\"done\":1}");
    }
}
