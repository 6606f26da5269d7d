package dev.perdure.sql;

import static dev.perdure.sql.SqlSurface.ALICE;
import static dev.perdure.sql.SqlSurface.BOB;
import static dev.perdure.sql.SqlSurface.OWNER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.perdure.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code df.start(…, transaction_mode => 'new')}: a start that commits by itself, through dblink (ADR 31). */
class NewTransactionTest {

    private static final String START = "SELECT df.start('SELECT 1', 'launched', transaction_mode => 'new')";
    private static final String LAUNCHED = "SELECT count(*) FROM df.instances WHERE label = 'launched'";

    private final SqlSurface sql = new SqlSurface();

    @BeforeEach
    void install() throws SQLException {
        assumeTrue(
                "t".equals(sql.value("SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'dblink')")),
                "this PostgreSQL comes without the extension dblink (contrib)");
        sql.database.asSuperuser("CREATE EXTENSION dblink SCHEMA public;"
                + " GRANT EXECUTE ON FUNCTION public.dblink_connect_u(text, text) TO " + OWNER);
    }

    @AfterEach
    void nothing_is_left_behind() throws SQLException {
        assertThat(sql.database.value("postgres", "SELECT count(*) FROM df._launches"))
                .isEqualTo("0");
        // The server gives back the locks of a closed connection when it gets to it.
        await().untilAsserted(() -> assertThat(sql.database.value(
                        "postgres",
                        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
                                + " AND classid = 1346847814 AND database = (SELECT oid FROM pg_database WHERE datname ="
                                + " current_database())"))
                .isEqualTo("0"));
    }

    @Test
    void parameters_arrive_as_they_were_given() throws SQLException {
        String id = sql.text("SELECT df.start(df.sql('SELECT $1', 'it''s \\ {v}'), transaction_mode => 'new')");
        assertThat(sql.value("SELECT params ->> 0 FROM df.nodes WHERE instance_id = ?", id))
                .isEqualTo("it's \\ {v}");
    }

    @Test
    void it_survives_the_rollback_of_its_caller() throws SQLException {
        try (Connection connection = sql.database.connect(ALICE)) {
            connection.setAutoCommit(false);
            String id = TestDatabase.rows(connection, START).get(0).get(0);
            connection.rollback();

            assertThat(sql.rows("SELECT label, status, submitted_by::text FROM df.instances WHERE id = ?", id))
                    .containsExactly(List.of("launched", "pending", "alice"));
            assertThat(TestDatabase.rows(connection, "SELECT public.dblink_get_connections()")
                            .get(0)
                            .get(0))
                    .as("connections of the session")
                    .isNull();
            connection.rollback();
        }
    }

    @Test
    void it_passes_everything_on() throws SQLException {
        String id = sql.text(
                "SELECT df.start('SELECT ''it''''s'' || E''\\\\n''' ~> df.sleep(1), E'a \\\\ \"label\"', current_database(), 'NEW',"
                        + " '{\"vars\": {\"v\": \"x''y\"}, \"idempotency_key\": \"k\"}')");

        assertThat(sql.rows("SELECT label, vars, database = current_database() FROM df.instances WHERE id = ?", id))
                .containsExactly(List.of("a \\ \"label\"", "{\"v\": \"x'y\"}", "t"));
        assertThat(sql.value("SELECT query FROM df.nodes WHERE instance_id = ? AND node_type = 'SQL'", id))
                .isEqualTo("SELECT 'it''s' || E'\\\\n'");
        assertThat(sql.text(
                        "SELECT df.start('q', transaction_mode => 'new', options => '{\"idempotency_key\": \"k\"}')"))
                .isEqualTo(id);
    }

    @Test
    void the_effective_role_starts_also_in_a_function_with_somebody_elses_rights() throws SQLException {
        sql.database.execute(
                BOB,
                "CREATE FUNCTION public.launch() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ " + START + " $$");

        String id = sql.text("SELECT public.launch()");

        assertThat(sql.value("SELECT df.status(?)", id)).isNull();
        assertThat(sql.database.value(BOB, "SELECT df.status(?)", id)).isEqualTo("pending");
    }

    @Test
    void a_session_is_opened_for_nobody_but_the_role_whose_code_runs() throws SQLException {
        assertThat(sql.error("SELECT df._open_loopback('c', gen_random_uuid())"))
                .contains("is called by df.start() only");
        assertThat(sql.error("INSERT INTO df._launches (token, role) VALUES (gen_random_uuid(), 'bob')"))
                .startsWith("42501");
        assertThat(sql.error("SELECT * FROM df._launches")).startsWith("42501");
        // what another transaction of bob left does not serve alice
        sql.database.execute(BOB, "INSERT INTO df._launches (token) VALUES ('00000000-0000-0000-0000-000000000001')");
        assertThat(sql.error("SELECT df._open_loopback('c', '00000000-0000-0000-0000-000000000001')"))
                .contains("is called by df.start() only");
        sql.asOwner("DELETE FROM df._launches");
    }

    @Test
    void code_of_an_index_that_a_superuser_analyzes_gets_no_session_of_the_superuser() throws SQLException {
        sql.database.execute(
                BOB,
                "CREATE TABLE public.bait (i int); INSERT INTO public.bait SELECT generate_series(1, 10);"
                        + " CREATE FUNCTION public.open_session(i int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN"
                        + " INSERT INTO df._launches (token) VALUES (md5(i::text)::uuid);"
                        + " PERFORM df._open_loopback('bite' || i, md5(i::text)::uuid); END $$;"
                        + " CREATE FUNCTION public.bite(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN"
                        + " IF current_setting('bait.open', true) = 'yes' THEN PERFORM public.open_session(i); END IF;"
                        + " RETURN i; END $$;"
                        + " CREATE INDEX ON public.bait (public.bite(i))");
        try (Connection connection = sql.database.connect("postgres");
                var statement = connection.createStatement()) {
            statement.execute("SET bait.open = 'yes'; ANALYZE public.bait");
            assertThat(TestDatabase.rows(
                            connection,
                            "SELECT DISTINCT who FROM unnest(public.dblink_get_connections()) AS c,"
                                    + " public.dblink(c, 'SELECT current_user::text') AS d(who text)"))
                    .containsExactly(List.of("bob"));
        }
    }

    @Test
    void errors_of_the_start_come_back_with_their_prefix() throws SQLException {
        assertThat(sql.error("SELECT df.start('{\"node_type\":\"NOPE\"}', transaction_mode => 'new')"))
                .startsWith("XX000: ERROR: df.start() on new transaction failed: error returned from database:"
                        + " Invalid durable function: Unknown node_type 'NOPE'");
    }

    @Test
    void plain_text_after_a_helper_in_the_same_statement_is_no_mistake_here() throws SQLException {
        assertThat(
                        sql.text(
                                "SELECT df.start('SELECT 1', transaction_mode => 'new') FROM (SELECT df.setvar('a', 'b') OFFSET 0) x"))
                .hasSize(8);
    }

    @Test
    void only_committed_variables_are_captured() throws SQLException {
        try (Connection connection = sql.database.connect(ALICE)) {
            connection.setAutoCommit(false);
            TestDatabase.rows(connection, "SELECT df.setvar('late', 'x')");
            String id = TestDatabase.rows(connection, START).get(0).get(0);
            connection.commit();

            assertThat(sql.value("SELECT vars FROM df.instances WHERE id = ?", id))
                    .isNull();
        }
        sql.value("SELECT df.clearvars()");
    }

    @Test
    void it_is_refused_inside_a_workflow() throws SQLException {
        assertThat(sql.error("SET df.in_workflow = 'true'; " + START))
                .contains("with transaction_mode => 'new' cannot be called inside a workflow");
    }

    @Test
    void it_waits_for_a_slot_and_says_when_there_is_none() throws SQLException {
        sql.asOwner("INSERT INTO df.settings VALUES ('max_new_transaction_starts', '1'),"
                + " ('new_transaction_start_timeout', '1')");
        try (Connection busy = sql.database.connect(ALICE)) {
            TestDatabase.rows(busy, "SELECT pg_advisory_lock(1346847814, 0)");
            assertThat(sql.error(START))
                    .contains("pg_durable: transaction_mode => 'new' launch limit reached"
                            + " (max_new_transaction_starts=1). Timed out after 1s waiting for a launch slot before opening"
                            + " the loopback session.");
        }
        assertThat(sql.text(START)).hasSize(8);
    }

    @Test
    void slots_that_other_roles_hold_keep_nobody_from_starting() throws SQLException {
        sql.asOwner("INSERT INTO df.settings VALUES ('new_transaction_start_timeout', '1')");
        try (Connection others = sql.database.connect(BOB);
                Connection busy = sql.database.connect(ALICE)) {
            // All that can be found in the functions, or in pg_locks.
            TestDatabase.rows(
                    others,
                    "SELECT pg_advisory_lock(1346847814, n) FROM generate_series(0, 999) AS n"
                            + " UNION ALL SELECT pg_advisory_lock(1346847815, r.oid::int) FROM pg_roles r");
            assertThat(sql.text(START)).hasSize(8);

            // One of her own counts, wherever it is.
            TestDatabase.rows(others, "SELECT pg_advisory_unlock(1346847814, 0)");
            TestDatabase.rows(busy, "SELECT pg_advisory_lock(1346847814, 0)");
            assertThat(sql.error(START)).contains("launch limit reached");
        }
    }

    @Test
    void a_statement_that_is_cancelled_leaves_no_lock_behind() throws SQLException {
        try (Connection session = sql.database.connect(ALICE)) {
            for (int i = 0; i < 200; i++) {
                try {
                    TestDatabase.rows(session, "SELECT set_config('statement_timeout', '" + (1 + i % 25) + "', false)");
                    TestDatabase.rows(session, START);
                } catch (SQLException e) {
                    assertThat(e.getSQLState()).isIn("57014", "XX000");
                }
            }
            TestDatabase.rows(session, "SELECT set_config('statement_timeout', '0', false)");
            assertThat(TestDatabase.rows(
                            session,
                            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"))
                    .containsExactly(List.of("0"));
        }
    }

    @Test
    void a_database_that_cannot_be_reached_is_reported_as_a_step_would() throws SQLException {
        sql.asOwner("INSERT INTO df.settings VALUES ('loopback', 'host=127.0.0.1 port=1')");

        assertThat(sql.error(START))
                .contains("Failed to connect to database '" + sql.database.name() + "' as 'alice'. Error: ")
                .contains("onnection refused");
    }

    @Test
    void a_way_that_is_not_open_is_named_with_the_remedy() throws SQLException {
        sql.database.asSuperuser("REVOKE EXECUTE ON FUNCTION public.dblink_connect_u(text, text) FROM " + OWNER);

        assertThat(sql.error(START))
                .contains("cannot open a session: there is no foreign server perdure_loopback that \"alice\" may use")
                .contains("GRANT EXECUTE ON FUNCTION public.dblink_connect_u(text, text) TO df_worker");
    }

    @Test
    void a_missing_extension_is_named_with_the_remedy() throws SQLException {
        sql.database.asSuperuser("DROP EXTENSION dblink");

        assertThat(sql.error(START))
                .contains("needs the extension dblink, which is not installed in database \"" + sql.database.name())
                .contains("CREATE EXTENSION dblink");
    }

    @Test
    void a_foreign_server_with_a_password_for_each_role_serves_too() throws Exception {
        sql.database.asSuperuser("REVOKE EXECUTE ON FUNCTION public.dblink_connect_u(text, text) FROM " + OWNER
                + "; ALTER ROLE alice PASSWORD 'a''lice'; CREATE SERVER perdure_loopback FOREIGN DATA WRAPPER dblink_fdw"
                + " OPTIONS (host '127.0.0.1', dbname '" + sql.database.name() + "', port '"
                + sql.database.value("postgres", "SHOW port") + "');"
                + " GRANT USAGE ON FOREIGN SERVER perdure_loopback TO alice, bob;"
                + " CREATE USER MAPPING FOR alice SERVER perdure_loopback OPTIONS (user 'alice', password 'a''lice');"
                + " CREATE USER MAPPING FOR bob SERVER perdure_loopback OPTIONS (user 'alice', password 'a''lice')");
        Path rules = Path.of(Objects.requireNonNull(sql.database.value("postgres", "SHOW hba_file")));
        String before = Files.readString(rules);
        try (Connection alice = sql.database.connect(ALICE);
                Connection bob = sql.database.connect(BOB)) {
            changeRules(rules, "host all alice 127.0.0.1/32 scram-sha-256\n" + before);
            Awaitility.await("the server asks for a password").until(() -> !canLogInWithoutPassword());

            String id = TestDatabase.rows(alice, START).get(0).get(0);
            assertThat(TestDatabase.rows(alice, LAUNCHED + " AND id = '" + id + "'"))
                    .containsExactly(List.of("1"));
            assertThat(messageOf(bob)).contains("the session that was opened is not one of \"bob\" in database");
            sql.database.asSuperuser("DROP USER MAPPING FOR bob SERVER perdure_loopback");
            assertThat(messageOf(bob)).contains("user mapping not found for ", "\"bob\"");
        } finally {
            changeRules(rules, before);
            sql.database.asSuperuser("ALTER ROLE alice PASSWORD NULL");
        }
    }

    private boolean canLogInWithoutPassword() {
        try (Connection connection = sql.database.connect(ALICE)) {
            return connection.isValid(10);
        } catch (SQLException e) {
            return false;
        }
    }

    private static String messageOf(Connection connection) {
        try {
            return "no error, but " + TestDatabase.rows(connection, START);
        } catch (SQLException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private void changeRules(Path rules, String text) throws IOException {
        Files.writeString(rules, text);
        sql.database.asSuperuser("SELECT pg_reload_conf()");
    }
}
