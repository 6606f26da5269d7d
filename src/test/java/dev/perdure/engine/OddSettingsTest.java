package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.schema.Migration;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Every setting that a user may change, as the server itself lists them, has an odd value for the owner's role, or for a submitter's:
 * the worker installs, leads and executes all the same.
 */
class OddSettingsTest {

    /** Those that are about logging in, or that a server of these tests refuses. */
    private static final Set<String> LEFT_OUT = Set.of(
            // A library that does not exist ends every login of the role.
            "local_preload_libraries",
            // Another role, or none: not a setting of this one.
            "role",
            "session_authorization",
            // Cannot be set for a role.
            "transaction_isolation",
            "transaction_read_only",
            "transaction_deferrable",
            "seed",
            // Frees are checked at each call: everything takes minutes.
            "debug_discard_caches");

    private static final Map<String, String> VALUES = Map.ofEntries(
            Map.entry("search_path", "nowhere"),
            Map.entry("DateStyle", "SQL, DMY"),
            Map.entry("TimeZone", "Asia/Kathmandu"),
            Map.entry("application_name", "odd"),
            Map.entry("client_encoding", "LATIN1"),
            Map.entry("default_table_access_method", "nothing"),
            Map.entry("default_text_search_config", "pg_catalog.german"),
            Map.entry("default_toast_compression", "pglz"),
            Map.entry("lc_monetary", "C"),
            Map.entry("lc_numeric", "C"),
            Map.entry("lc_time", "C"),
            Map.entry("lc_messages", "C"),
            Map.entry("default_tablespace", "nowhere"),
            Map.entry("temp_tablespaces", "nowhere"),
            Map.entry("timezone_abbreviations", "India"),
            Map.entry("createrole_self_grant", "set"),
            Map.entry("restrict_nonsystem_relation_kind", "foreign-table"),
            Map.entry("statement_timeout", "1"),
            // Older servers do not know it, so that it is pinned by the first statement: that one has to fit.
            Map.entry("transaction_timeout", "500"),
            Map.entry("lock_timeout", "1"),
            Map.entry("idle_session_timeout", "1"),
            Map.entry("idle_in_transaction_session_timeout", "1"),
            Map.entry("client_connection_check_interval", "1"),
            Map.entry("tcp_user_timeout", "1"),
            Map.entry("default_transaction_isolation", "serializable"),
            Map.entry("synchronous_commit", "off"),
            Map.entry("IntervalStyle", "sql_standard"),
            Map.entry("bytea_output", "escape"),
            Map.entry("client_min_messages", "debug5"),
            Map.entry("xmloption", "document"));

    /** What the application sets for itself: the test is about the worker's sessions. */
    private static final Map<String, String> CLIENT = Map.of(
            "search_path", "public",
            "statement_timeout", "0",
            "idle_session_timeout", "0",
            "row_security", "on",
            "default_transaction_read_only", "off",
            "default_transaction_isolation", "read committed");

    /** The role's own limits of its statements are kept. */
    private static final Set<String> OF_THE_ROLE = Set.of("statement_timeout", "transaction_timeout");

    private final PostgresServer server = PostgresServer.get();

    /** What is set, as it is written behind ALTER ROLE … SET. */
    private static void setAll(TestDatabase database, String role, Set<String> but) throws SQLException {
        List<List<@Nullable String>> settings = database.rows(
                "postgres",
                "SELECT name, vartype, setting, min_val, max_val, enumvals::text, reset_val FROM pg_settings"
                        + " WHERE context = 'user' ORDER BY name");
        assertThat(settings).hasSizeGreaterThan(100);
        int set = 0;
        for (List<@Nullable String> setting : settings) {
            String name = String.valueOf(setting.get(0));
            String value = VALUES.getOrDefault(name, odd(setting));
            if (LEFT_OUT.contains(name) || but.contains(name) || value.isEmpty()) {
                continue;
            }
            // What is a check of the server's at each use: a name that does not exist only draws a notice here.
            database.asSuperuser(
                    "ALTER ROLE " + role + " IN DATABASE " + database.name() + " SET " + name + " = '" + value + "'");
            set++;
        }
        assertThat(set).isGreaterThan(100);
    }

    private static String odd(List<@Nullable String> setting) {
        String value = String.valueOf(setting.get(2));
        return switch (String.valueOf(setting.get(1))) {
            case "bool" -> value.equals("on") ? "off" : "on";
            case "integer", "real" ->
                value.equals(setting.get(3)) ? String.valueOf(setting.get(4)) : String.valueOf(setting.get(3));
            case "enum" -> otherThan(value, String.valueOf(setting.get(5)));
            default -> "";
        };
    }

    private static String otherThan(String value, String values) {
        for (String each : values.substring(1, values.length() - 1).split(",")) {
            String plain = each.replace("\"", "");
            if (!plain.equals(value)) {
                return plain;
            }
        }
        return "";
    }

    private static void works(TestDatabase database, String role) throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database);
                Submitter app = Submitter.at(database.url(role).withSettings(CLIENT))) {
            app.execute("CREATE TABLE IF NOT EXISTS public.odd (t text)");
            Submitter.Ended ended = app.run("'INSERT INTO public.odd VALUES (''x'') RETURNING t' |=> 'a'"
                    + " ~> df.sleep(1) ~> ('SELECT $a' & 'SELECT pg_sleep(0.3)')");
            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            String waits = app.start("df.wait_for_signal('go') ~> 'SELECT 1'");
            app.value("SELECT df.signal(?, 'go')", waits);
            assertThat(app.await(waits).status()).isEqualTo("completed");
            String cancelled = app.start("'SELECT pg_sleep(600)'");
            // Its status stays pending where the role's isolation is not read committed.
            app.awaitValue(
                    "1",
                    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'perdure-step' AND state = 'active'"
                            + " AND usename = current_user AND query LIKE '%pg_sleep(600)%' AND datname = current_database()");
            app.value("SELECT df.cancel(?)", cancelled);
            assertThat(app.await(cancelled).status()).isEqualTo("cancelled");
            worker.loseMemory();
            assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");
            assertThat(app.value("SELECT count(*) FROM public.odd")).isEqualTo("1");
        }
    }

    @Test
    void of_the_owner_change_nothing() throws SQLException {
        TestDatabase database = server.newEmptyDatabase();
        setAll(database, PostgresServer.OWNER, Set.of());
        assertThat(Migration.migrate(database.url())).isPositive();
        database.asSuperuser("SET search_path = pg_catalog; SELECT df.grant_usage('" + server.createRole("odd_app")
                + "'); GRANT USAGE, CREATE ON SCHEMA public TO odd_app");
        works(database, "odd_app");
    }

    @Test
    void of_a_submitter_change_nothing_but_its_own_limits() throws SQLException {
        TestDatabase database = server.newDatabase();
        database.createUser("odd_submitter");
        setAll(database, "odd_submitter", OF_THE_ROLE);
        works(database, "odd_submitter");
    }
}
