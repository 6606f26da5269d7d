package dev.perdure.schema;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MigrationTest {

    private final PostgresServer server = PostgresServer.get();

    @Test
    void an_owner_who_is_no_superuser_installs_the_schema() throws SQLException {
        TestDatabase database = server.newEmptyDatabase();

        Migration.migrate(database.url());

        assertThat(database.value("postgres", "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'df'"))
                .isEqualTo(PostgresServer.OWNER);
        assertThat(database.value(
                        "postgres", "SELECT rolsuper FROM pg_roles WHERE rolname = '" + PostgresServer.OWNER + "'"))
                .isEqualTo("f");
        assertThat(database.value(PostgresServer.OWNER, "SELECT to_regclass('df.flyway_schema_history')"))
                .isNotNull();
    }

    @Test
    void a_second_migration_has_nothing_to_do() {
        DatabaseUrl url = server.newEmptyDatabase().url();
        Migration.migrate(url);

        assertThat(Migration.migrate(url)).isZero();
    }

    @Test
    void workers_that_migrate_at_once_do_not_fail() throws Exception {
        DatabaseUrl url = server.newEmptyDatabase().url();
        ExecutorService workers = Executors.newFixedThreadPool(6);
        try {
            List<Callable<Integer>> starts = IntStream.range(0, 6)
                    .<Callable<Integer>>mapToObj(i -> () -> Migration.migrate(url))
                    .toList();

            int thatDidTheWork = 0;
            for (Future<Integer> start : workers.invokeAll(starts)) {
                thatDidTheWork += start.get() > 0 ? 1 : 0;
            }

            assertThat(thatDidTheWork).isEqualTo(1);
        } finally {
            workers.shutdownNow();
        }
    }

    @Test
    void a_schema_of_somebody_else_is_refused() {
        TestDatabase database = server.newEmptyDatabase();
        server.createRole("mallory");
        database.asSuperuser("CREATE SCHEMA df AUTHORIZATION mallory");

        assertThatThrownBy(() -> Migration.migrate(database.url()))
                .isInstanceOf(MigrationException.class)
                .hasMessageContaining("belongs to the role mallory, not to df_worker");
    }

    @Test
    void a_role_that_may_not_create_the_schema_is_told_what_is_missing() {
        TestDatabase database = server.newEmptyDatabase();
        server.createRole("nobody");

        assertThatThrownBy(() -> Migration.migrate(database.url("nobody")))
                .isInstanceOf(MigrationException.class)
                .hasMessageContaining("GRANT CREATE ON DATABASE \"" + database.name() + "\" TO \"nobody\"");
    }

    @Test
    void a_server_that_is_away_is_told_by_its_address_and_not_by_its_password() {
        DatabaseUrl nowhere = DatabaseUrl.parse("postgresql://df_worker:hidden@127.0.0.1:1/app");

        assertThatThrownBy(() -> Migration.migrate(nowhere))
                .isInstanceOf(MigrationException.class)
                .hasMessageContaining("127.0.0.1:1")
                .hasMessageNotContaining("hidden");
    }

    @Test
    void what_the_owner_put_into_its_search_path_is_not_meant_by_the_files() throws SQLException {
        TestDatabase database = server.newEmptyDatabase();
        database.asSuperuser("CREATE SCHEMA trap; CREATE FUNCTION trap.now() RETURNS timestamptz LANGUAGE plpgsql"
                + " AS $$ BEGIN RAISE 'trapped'; END $$; GRANT USAGE ON SCHEMA trap TO df_worker;"
                + " ALTER ROLE df_worker IN DATABASE " + database.name() + " SET search_path = trap, pg_catalog");

        Migration.migrate(database.url());

        assertThat(database.value(PostgresServer.OWNER, "SHOW search_path")).isEqualTo("trap, pg_catalog");
    }

    @Test
    void a_schema_of_a_build_from_before_the_first_release_is_refused_and_left_alone() throws SQLException {
        TestDatabase database = server.newEmptyDatabase();
        Migration.migrate(database.url());
        database.execute(
                PostgresServer.OWNER,
                "UPDATE df.flyway_schema_history SET checksum = 17 WHERE version = '1';"
                        + " INSERT INTO df.flyway_schema_history (installed_rank, version, description, type, script, checksum,"
                        + " installed_by, execution_time, success) VALUES (99, '2', 'signals', 'SQL', 'V2__signals.sql', 1, 'x', 1, true);"
                        + " DROP FUNCTION df.version()");
        String history = "SELECT string_agg(h::text, ' ' ORDER BY installed_rank) FROM df.flyway_schema_history h";
        String before = String.valueOf(database.value(PostgresServer.OWNER, history));

        assertThatThrownBy(() -> Migration.migrate(database.url()))
                .isInstanceOf(MigrationException.class)
                .hasMessageContaining("database " + database.name())
                .hasMessageContaining("from before this release")
                .hasMessageContaining("DROP SCHEMA df CASCADE");
        assertThat(database.value(PostgresServer.OWNER, history)).isEqualTo(before);
        assertThat(database.value(PostgresServer.OWNER, "SELECT to_regprocedure('df.version()')"))
                .isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"SQL_ASCII", "LATIN1"})
    void a_database_that_cannot_hold_every_text_is_refused_before_anything_is_installed(String encoding)
            throws SQLException {
        String name = "encoded_" + encoding.toLowerCase(java.util.Locale.ROOT);
        server.asSuperuser(
                "postgres",
                "CREATE DATABASE " + name + " TEMPLATE template0 ENCODING '" + encoding
                        + "' LC_COLLATE 'C' LC_CTYPE 'C'");
        DatabaseUrl url = server.url(PostgresServer.OWNER, name);

        assertThatThrownBy(() -> Migration.migrate(url))
                .isInstanceOf(MigrationException.class)
                .hasMessageContaining(encoding)
                .hasMessageContaining("ENCODING 'UTF8'");
        try (var connection = url.connect()) {
            assertThat(TestDatabase.rows(connection, "SELECT FROM pg_namespace WHERE nspname = 'df'"))
                    .isEmpty();
        }
    }

    @Test
    void operators_that_a_restore_left_out_are_made_again() throws SQLException {
        TestDatabase database = server.newDatabase();
        database.execute(PostgresServer.OWNER, "DROP OPERATOR public.~> (text, text), public.& (text, text)");

        assertThat(Migration.migrate(database.url())).isZero();

        assertThat(database.value(PostgresServer.OWNER, "SELECT count(*) FROM df._missing_operators()"))
                .isEqualTo("0");
        database.createUser("operators_app");
        assertThat(database.value("operators_app", "SELECT 'SELECT 1' ~> 'SELECT 2' IS NOT NULL"))
                .isEqualTo("t");
    }

    @Test
    void operators_stay_in_the_schema_that_was_chosen_for_them() throws SQLException {
        TestDatabase database = server.newDatabase();
        database.execute(
                PostgresServer.OWNER,
                "DROP OPERATOR public.~> (text, text), public.|=> (text, text), public.|= (text, text), public.& (text, text),"
                        + " public.| (text, text), public.?> (text, text), public.!> (text, text), public.@> (none, text);"
                        + " SET perdure.operator_schema = 'df'; SELECT df._create_operators();"
                        + " DROP OPERATOR df.~> (text, text)");

        Migration.migrate(database.url());

        assertThat(database.value(
                        PostgresServer.OWNER,
                        "SELECT string_agg(DISTINCT oprnamespace::regnamespace::text, ',') FROM pg_operator o"
                                + " JOIN pg_proc p ON p.oid = o.oprcode WHERE p.pronamespace = 'df'::regnamespace"))
                .isEqualTo("df");
    }

    @Test
    void sequences_that_stand_behind_their_rows_are_set() throws SQLException {
        TestDatabase database = server.newDatabase();
        database.createUser("sequence_app");
        String id = database.value("sequence_app", "SELECT df.start(df.wait_for_signal('x'))");
        database.execute("sequence_app", "SELECT df.signal('" + id + "', 'x'), df.signal('" + id + "', 'x')");
        database.asSuperuser("INSERT INTO df._maps (instance_id, subject, node_id, execution_id, generation) VALUES ('"
                + id + "', '" + id + "', 'abcdef01', 'x', 1)");
        database.asSuperuser("SELECT setval('df.signals_id_seq', 1, false), setval('df._maps_id_seq', 1, false)");
        assertThat(database.value(
                        PostgresServer.OWNER, "SELECT string_agg(b, ' ' ORDER BY b) FROM df._sequences_behind() AS b"))
                .isEqualTo("df._maps_id_seq df.signals_id_seq");

        Migration.migrate(database.url());

        database.execute("sequence_app", "SELECT df.signal('" + id + "', 'x')");
        assertThat(database.value(PostgresServer.OWNER, "SELECT count(*) FROM df.signals"))
                .isEqualTo("3");
        assertThat(database.value(PostgresServer.OWNER, "SELECT count(*) FROM df._sequences_behind()"))
                .isEqualTo("0");
    }
}
