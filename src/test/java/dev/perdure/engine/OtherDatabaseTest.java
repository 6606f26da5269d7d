package dev.perdure.engine;

import static dev.perdure.engine.Submitter.GATE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Steps of an instance that was started with {@code database => …} run there, each once (ADR 26). */
class OtherDatabaseTest {

    private static TestDatabase home;
    private static TestDatabase other;
    private static InProcessWorker worker;
    /** May create what it likes in the other database. */
    private static Submitter app;
    /** May use the table {@code ledger} there and create nothing. */
    private static Submitter guest;

    @BeforeAll
    static void begin() throws SQLException {
        home = PostgresServer.get().newDatabase();
        other = PostgresServer.get().newEmptyDatabase();
        worker = InProcessWorker.start(home, Map.of("perdure.step.transient-retries", "100"));
        app = Submitter.of(home, "other_app");
        guest = Submitter.of(home, "other_guest");
        other.asSuperuser("GRANT CREATE ON DATABASE " + other.name() + " TO other_app;"
                + " REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
                + " CREATE TABLE public.ledger (step text NOT NULL, attempt int DEFAULT 0);"
                + " GRANT ALL ON public.ledger TO other_app, other_guest;"
                + " CREATE SEQUENCE public.tries; GRANT ALL ON public.tries TO PUBLIC");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        guest.close();
        worker.close();
    }

    private static String start(Submitter who, String expression) throws SQLException {
        return String.valueOf(who.value("SELECT df.start(" + expression + ", database => '" + other.name() + "')"));
    }

    private static String there(String sql) throws SQLException {
        return String.valueOf(other.value("postgres", sql));
    }

    private static String timesIn(String ledger) throws SQLException {
        return there("SELECT count(*) FROM public.ledger WHERE step = '" + ledger + "'");
    }

    /** The name of a role's table of receipts. */
    private static String receipts(String role) throws SQLException {
        return there("SELECT oid::regclass FROM pg_class WHERE relname = 'perdure_receipts_' || '" + role
                + "'::regrole::oid");
    }

    /**
     * Keeps the checkpoint of the step behind the gate from being written until the transaction ends: somebody is taking its
     * version, behind those of the wait and of the signal.
     */
    private static Connection holdStepBehindGate(String id) throws SQLException {
        try (Submitter observer = Submitter.observer(home)) {
            observer.awaitValue("1", "SELECT max(version) FROM df._checkpoints WHERE instance_id = ?", id);
        }
        Connection connection = home.connect("postgres");
        connection.setAutoCommit(false);
        try (var hold = connection.prepareStatement(
                "INSERT INTO df._checkpoints (instance_id, version, bytes, state) VALUES (?, 3, 0, '{}')")) {
            hold.setString(1, id);
            hold.executeUpdate();
        }
        return connection;
    }

    @Test
    void steps_run_there_and_hand_their_results_on() throws SQLException {
        String id = start(
                app,
                "('SELECT current_database() AS db, current_user::text AS who' |=> 'a')"
                        + " ~> 'INSERT INTO public.ledger SELECT ''results '' || $a.db RETURNING $a.who AS who'");
        var ended = app.await(id);

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(app.result(id).at("/rows/0/who").asText()).isEqualTo("other_app");
        assertThat(timesIn("results " + other.name())).isEqualTo("1");
        assertThat(app.value(
                        "SELECT count(*) FROM df.nodes WHERE instance_id = ?"
                                + " AND status_details ->> 'at_least_once' IS NOT NULL",
                        id))
                .isEqualTo("0");
    }

    @Test
    void receipts_are_deleted_when_they_have_served() throws SQLException {
        app.await(start(app, "'SELECT 1' ~> 'SELECT 2' ~> 'SELECT 3'"));

        try (Submitter observer = Submitter.observer(other)) {
            observer.awaitValue("0", "SELECT count(*) FROM " + receipts("other_app"));
        }
    }

    @Test
    void receipts_that_an_earlier_term_left_go_when_their_instance_has_ended() throws SQLException {
        String ended = start(app, "'SELECT 1'");
        app.await(ended);
        other.execute(
                "other_app",
                "INSERT INTO " + receipts("other_app") + " SELECT oid, '" + ended
                        + "', '0000000a', 'left', '{}' FROM pg_database WHERE datname = '" + home.name() + "'");
        worker.loseMemory();
        app.await(start(app, "'SELECT 1'"));

        try (Submitter observer = Submitter.observer(other)) {
            observer.awaitValue("0", "SELECT count(*) FROM " + receipts("other_app") + " WHERE stamp = 'left'");
        }
    }

    @Test
    void what_a_step_prepares_there_is_not_there_in_the_next_one() throws SQLException {
        String id = start(
                app,
                "'PREPARE left_plan AS SELECT 1'"
                        + " ~> 'SELECT count(*) AS n FROM pg_prepared_statements WHERE name = ''left_plan'''");
        app.await(id);

        assertThat(app.result(id).at("/rows/0/n").asInt()).isZero();
    }

    @Test
    void a_step_whose_checkpoint_is_lost_with_the_workers_memory_is_not_done_again() throws SQLException {
        String id = String.valueOf(app.value("SELECT df.start(" + GATE + " ~>"
                + " 'INSERT INTO public.ledger VALUES (''memory'') RETURNING 40 + 2 AS answer' |=> 'x'"
                + " ~> 'SELECT $x AS seen', database => '" + other.name() + "')"));
        try (Connection held = holdStepBehindGate(id)) {
            app.open(id);
            try (Submitter observer = Submitter.observer(other)) {
                observer.awaitValue("1", "SELECT count(*) FROM public.ledger WHERE step = 'memory'");
            }
            worker.loseMemory();
            held.rollback();
        }
        var ended = app.await(id);

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(app.result(id).at("/rows/0/seen").asInt()).isEqualTo(42);
        assertThat(timesIn("memory")).isEqualTo("1");
    }

    @Test
    void a_role_that_can_have_no_receipts_gets_at_least_once_and_it_is_recorded() throws SQLException {
        String id = start(guest, "'INSERT INTO public.ledger VALUES (''guest'')'");
        var ended = guest.await(id);

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(timesIn("guest")).isEqualTo("1");
        assertThat(guest.node(id, "INSERT", "status_details ->> 'at_least_once'"))
                .isEqualTo("the role can create no table for receipts in this database");
    }

    @Test
    void a_step_without_receipts_is_done_again_when_its_checkpoint_is_lost() throws SQLException {
        String id = String.valueOf(guest.value("SELECT df.start(" + GATE + " ~>"
                + " 'INSERT INTO public.ledger VALUES (''guest again'')', database => '" + other.name() + "')"));
        try (Connection held = holdStepBehindGate(id)) {
            guest.open(id);
            try (Submitter observer = Submitter.observer(other)) {
                observer.awaitValue("1", "SELECT count(*) FROM public.ledger WHERE step = 'guest again'");
            }
            worker.loseMemory();
            held.rollback();
        }

        assertThat(guest.await(id).status()).isEqualTo("completed");
        assertThat(timesIn("guest again")).isEqualTo("2");
    }

    @Test
    void a_transient_failure_is_tried_again_and_leaves_one_effect() throws SQLException {
        other.asSuperuser("ALTER SEQUENCE public.tries RESTART");
        String id = start(
                app,
                "'WITH i AS (INSERT INTO public.ledger VALUES (''transient'')) SELECT CASE WHEN nextval(''public.tries'') < 3"
                        + " THEN pg_terminate_backend(pg_backend_pid()) END'");
        var ended = app.await(id);

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(timesIn("transient")).isEqualTo("1");
        assertThat(app.node(id, "WITH", "attempt")).isEqualTo("3");
    }

    @Test
    void a_cancelled_instance_interrupts_its_step_and_leaves_no_effect() throws SQLException {
        String id = start(app, "'INSERT INTO public.ledger SELECT ''cancelled'' FROM pg_sleep(3600)'");
        try (Submitter observer = Submitter.observer(other)) {
            observer.awaitValue(
                    "1",
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'");
            app.value("SELECT df.cancel(?)", id);
            observer.awaitValue(
                    "0",
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'");
        }

        assertThat(app.await(id).status()).isEqualTo("cancelled");
        assertThat(app.node(id, "INSERT", "error")).startsWith("canceled: ");
        assertThat(timesIn("cancelled")).isEqualTo("0");
    }

    @Test
    void a_failing_statement_fails_its_node_and_is_rolled_back() throws SQLException {
        var ended = app.await(start(app, "'INSERT INTO public.ledger SELECT ''failed'' || 1/0'"));

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).contains("division by zero");
        assertThat(timesIn("failed")).isEqualTo("0");
    }

    @Test
    void a_result_that_could_not_be_kept_is_rolled_back() throws SQLException {
        var ended = app.await(
                start(app, "'INSERT INTO public.ledger VALUES (''zero'') RETURNING ''\"\\u0000\"''::json AS j'"));

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).contains("Unicode");
        assertThat(timesIn("zero")).isEqualTo("0");
    }

    @Test
    void what_cannot_run_in_a_transaction_runs_there_at_least_once() throws SQLException {
        String id = start(app, "'VACUUM public.ledger'");

        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(app.node(id, "VACUUM", "status_details ->> 'at_least_once'")).contains("VACUUM");
    }

    @Test
    void conditions_loops_and_branches_run_there_too() throws SQLException {
        String id = start(
                app,
                "('SELECT current_database() = ''" + other.name()
                        + "''' ?> 'SELECT ''yes'' AS a' !> 'SELECT ''no'' AS a')"
                        + " & df.loop('INSERT INTO public.ledger VALUES (''round'')',"
                        + " 'SELECT count(*) < 2 FROM public.ledger WHERE step = ''round''')");
        var ended = app.await(id);

        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(app.result(id).at("/0/rows/0/a").asText()).isEqualTo("yes");
        assertThat(timesIn("round")).isEqualTo("2");
    }

    @Test
    void a_table_of_receipts_that_was_dropped_is_made_anew() throws SQLException {
        app.await(start(app, "'SELECT 1'"));
        other.execute(
                "other_app",
                "DO $$ BEGIN EXECUTE 'DROP TABLE ' || (SELECT oid::regclass FROM pg_class"
                        + " WHERE relname = 'perdure_receipts_' || 'other_app'::regrole::oid); END $$");
        String id = start(app, "'INSERT INTO public.ledger VALUES (''dropped'')'");

        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(timesIn("dropped")).isEqualTo("1");
        assertThat(app.node(id, "INSERT", "status_details ->> 'at_least_once'")).isNull();
    }

    @Test
    void a_table_of_that_name_that_somebody_else_made_is_not_used() throws SQLException {
        try (Submitter victim = Submitter.of(home, "other_victim")) {
            other.createRole("other_mallory");
            other.asSuperuser("GRANT CREATE ON SCHEMA public TO other_victim;"
                    + " GRANT INSERT ON public.ledger TO other_victim");
            other.execute(
                    "other_mallory",
                    "DO $$ BEGIN EXECUTE format('CREATE TABLE public.perdure_receipts_%s (home_database text,"
                            + " instance_id text, node_id text, stamp text, result text, result_columns text)',"
                            + " 'other_victim'::regrole::oid); END $$");
            String id = start(victim, "'INSERT INTO public.ledger VALUES (''victim'')'");

            assertThat(victim.await(id).status()).isEqualTo("completed");
            assertThat(timesIn("victim")).isEqualTo("1");
            assertThat(victim.node(id, "INSERT", "status_details ->> 'at_least_once'"))
                    .contains("could not be created: relation \"perdure_receipts_");
        }
    }

    @Test
    void other_roles_can_neither_read_nor_write_the_receipts() throws SQLException {
        app.await(start(app, "'SELECT 1'"));
        String table = receipts("other_app");

        assertThatThrownBy(() -> other.value("other_guest", "SELECT count(*) FROM " + table))
                .hasMessageContaining("permission denied");
    }

    @Test
    void a_receipt_that_a_role_forges_for_itself_must_at_least_be_json() throws SQLException {
        app.await(start(app, "'SELECT 1'"));
        String table = receipts("other_app");
        String id = String.valueOf(app.value("SELECT df.start(" + GATE
                + " ~> 'INSERT INTO public.ledger VALUES (''forged'')', database => '" + other.name() + "')"));
        String node = app.node(id, "INSERT", "id");
        String root = app.value("SELECT id || '::1' FROM df.instances WHERE id = ?", id);
        other.execute(
                "other_app",
                "INSERT INTO " + table + " SELECT oid, '" + id + "', '" + node + "', '" + root
                        + "', '1],\"t\":\"completed\"' FROM pg_database WHERE datname = '" + home.name() + "'");
        app.open(id);
        var ended = app.await(id);

        assertThat(ended.status()).isEqualTo("failed");
        assertThat(ended.output()).contains("was not written by the worker: it is no JSON");
        assertThat(timesIn("forged")).isEqualTo("0");
    }

    @Test
    void a_database_to_which_the_role_may_not_connect_is_refused_at_once() {
        TestDatabase closed = PostgresServer.get().newEmptyDatabase();
        closed.asSuperuser("REVOKE CONNECT ON DATABASE " + closed.name() + " FROM PUBLIC");

        assertThatThrownBy(() -> app.value("SELECT df.start('SELECT 1', database => '" + closed.name() + "')"))
                .hasMessageContaining("role \"other_app\" may not connect to database \"" + closed.name() + '"')
                .hasMessageContaining("GRANT CONNECT ON DATABASE");
    }

    @Test
    void a_template_is_refused_since_a_session_in_it_keeps_everybody_from_creating_a_database() {
        assertThatThrownBy(() -> app.value("SELECT df.start('SELECT 1', database => 'template1')"))
                .hasMessageContaining("database \"template1\" is a template")
                .hasMessageContaining("CREATE DATABASE")
                .hasMessageContaining("Name another database");
        assertThatThrownBy(() -> app.value("SELECT df.create_schedule('nightly', '0 3 * * *', 'SELECT 1',"
                        + " options => '{\"database\": \"template1\"}')"))
                .hasMessageContaining("database \"template1\" is a template");
    }

    @Test
    void a_database_that_allows_no_connections_is_refused_at_once() {
        TestDatabase closed = PostgresServer.get().newEmptyDatabase();
        home.asSuperuser("ALTER DATABASE " + closed.name() + " ALLOW_CONNECTIONS false");

        assertThatThrownBy(() -> app.value("SELECT df.start('SELECT 1', database => '" + closed.name() + "')"))
                .hasMessageContaining("database \"" + closed.name() + "\" does not allow connections")
                .hasMessageContaining("ALLOW_CONNECTIONS true");
    }

    @Test
    void a_database_that_is_closed_for_a_while_is_waited_for() throws SQLException {
        TestDatabase closing = PostgresServer.get().newEmptyDatabase();
        String id = String.valueOf(
                app.value("SELECT df.start(" + GATE + " ~> 'SELECT 1', database => '" + closing.name() + "')"));
        closing.asSuperuser("REVOKE CONNECT ON DATABASE " + closing.name() + " FROM PUBLIC");
        long failures = worker.statistics().loginFailures();
        app.open(id);
        Awaitility.await("the step is refused").until(() -> worker.statistics().loginFailures() > failures);

        closing.asSuperuser("GRANT CONNECT ON DATABASE " + closing.name() + " TO PUBLIC");
        assertThat(app.await(id).status()).isEqualTo("completed");
    }

    @Test
    void a_database_with_an_odd_name_works() throws SQLException {
        String odd = "Odd \"name\" /?&%20" + home.name();
        home.asSuperuser("CREATE DATABASE \"" + odd.replace("\"", "\"\"") + "\" TEMPLATE template0");
        String id = String.valueOf(app.value("SELECT df.start('SELECT current_database() AS db', database => ?)", odd));

        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(app.result(id).at("/rows/0/db").asText()).isEqualTo(odd);
    }
}
