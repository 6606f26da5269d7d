package dev.perdure.sql;

import static dev.perdure.sql.SqlSurface.OWNER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AdministrationTest {

    private final TestDatabase database = PostgresServer.get().newDatabase();

    private String error(String role, String sql) {
        try {
            database.execute(role, sql);
        } catch (SQLException e) {
            return e.getSQLState() + ": " + e.getMessage();
        }
        throw new AssertionError("no error from " + sql);
    }

    @Test
    void a_role_without_grants_has_no_access() {
        database.createRole("stranger");
        assertThat(error("stranger", "SELECT df.start('q')"))
                .startsWith("42501")
                .contains("schema df");
    }

    @Test
    void grant_usage_is_enough_to_start_and_to_look() throws SQLException {
        database.createUser("carol");
        String id = database.value("carol", "SELECT df.start('q', options => '{\"vars\":{\"a\":\"b\"}}')");
        assertThat(database.value("carol", "SELECT df.signal('" + id + "', 's')"))
                .isEqualTo("OK");
        assertThat(database.value("carol", "SELECT count(*) FROM df.executions, df.settings, df._worker_epoch"))
                .isEqualTo("0");
        database.value("carol", "SELECT df.cancel('" + id + "', 'r')");
        assertThat(error("carol", "SELECT df.http('https://h')")).startsWith("42501");
        assertThat(error("carol", "SELECT df.grant_usage('carol')")).startsWith("42501");
        assertThat(error("carol", "SELECT df.revoke_usage('carol')")).startsWith("42501");
        assertThat(error("carol", "SELECT * FROM df._epoch")).startsWith("42501");
        assertThat(error("carol", "INSERT INTO df.settings VALUES ('notify', 'off')"))
                .startsWith("42501");
        assertThat(
                        error(
                                "carol",
                                "INSERT INTO df.instances (id, root_node, submitted_by, output) VALUES ('a', 'b', 'carol', 'x')"))
                .startsWith("42501");
        assertThat(error("carol", "BEGIN; LOCK TABLE df.instances IN EXCLUSIVE MODE"))
                .startsWith("42501");
    }

    @Test
    void http_and_the_right_to_grant_are_extra() throws SQLException {
        database.createRole("dave");
        database.createRole("erin");
        database.execute(OWNER, "SELECT df.grant_usage('dave', include_http => true, with_grant => true)");
        assertThat(database.value("dave", "SELECT df.http('https://h')")).contains("HTTP");
        assertThat(database.rows("dave", "SELECT * FROM df.metrics()")).hasSize(1);
        database.execute("dave", "SELECT df.grant_usage('erin', true)");
        assertThat(database.value("erin", "SELECT df.start(df.http('https://h'))"))
                .hasSize(8);

        database.execute("dave", "SELECT df.revoke_usage('erin')");
        assertThat(error("erin", "SELECT df.version()")).startsWith("42501");

        database.execute("dave", "SELECT df.grant_usage('erin')");
        database.execute(OWNER, "SELECT df.revoke_usage('dave')");
        // what dave granted goes with what dave had
        assertThat(error("erin", "SELECT df.version()")).startsWith("42501");
        assertThat(database.value(
                        OWNER,
                        "SELECT count(*) FROM information_schema.column_privileges WHERE grantee IN ('dave', 'erin')"))
                .isEqualTo("0");
    }

    private static void assertMay(TestDatabase database, String role, boolean may) {
        String found = "may";
        try {
            database.value(role, "SELECT df.start('q')");
        } catch (SQLException e) {
            assertThat(e.getSQLState()).isEqualTo("42501");
            found = "may not";
        }
        assertThat(found).as(role).isEqualTo(may ? "may" : "may not");
    }

    @Test
    void the_right_to_grant_is_handed_on_and_each_takes_back_only_what_it_granted() throws SQLException {
        for (String role : new String[] {"chief", "deputy", "clerk"}) {
            database.createRole(role);
        }
        database.execute(OWNER, "SELECT df.grant_usage('chief', true, true)");
        database.execute("chief", "SELECT df.grant_usage('deputy', true, true)");
        database.execute("deputy", "SELECT df.grant_usage('clerk', true)");
        assertMay(database, "clerk", true);

        // Neither the clerk itself, nor whoever is above the one that granted it.
        assertThat(error("clerk", "SELECT df.revoke_usage('clerk')")).startsWith("42501");
        assertThat(error("clerk", "SELECT df.grant_usage('frank')")).startsWith("42501");
        database.execute("chief", "SELECT df.revoke_usage('clerk')");
        database.execute(OWNER, "SELECT df.revoke_usage('clerk')");
        assertMay(database, "clerk", true);
        database.execute("deputy", "SELECT df.revoke_usage('deputy')");
        assertMay(database, "deputy", true);

        // Two that granted: what one of them takes back stays from the other.
        database.execute("chief", "SELECT df.grant_usage('clerk')");
        database.execute("deputy", "SELECT df.revoke_usage('clerk')");
        assertMay(database, "clerk", true);
        assertThat(error("clerk", "SELECT df.http('https://h')")).startsWith("42501");

        // What was handed on goes with the right to hand it on.
        database.execute("deputy", "SELECT df.grant_usage('clerk', true)");
        database.execute(OWNER, "SELECT df.revoke_usage('chief')");
        for (String role : new String[] {"chief", "deputy", "clerk"}) {
            assertMay(database, role, false);
        }
    }

    @Test
    void the_right_to_grant_without_http_grants_no_http_and_a_refusal_grants_nothing() throws SQLException {
        database.createRole("heidi");
        database.createRole("ivan");
        database.execute(OWNER, "SELECT df.grant_usage('heidi', false, true)");
        assertThat(error("heidi", "SELECT df.grant_usage('ivan', include_http => true)"))
                .startsWith("42501");
        assertMay(database, "ivan", false);
        assertThat(error("heidi", "SELECT df.http('https://h')")).startsWith("42501");

        database.execute("heidi", "SELECT df.grant_usage('ivan')");
        assertMay(database, "ivan", true);
        assertThat(error("ivan", "SELECT * FROM df.metrics()")).startsWith("42501");
        // Who may use df cannot let others use it: PostgreSQL warns, and grants nothing.
        database.createRole("judy");
        database.execute("ivan", "GRANT USAGE ON SCHEMA df TO judy");
        database.execute("ivan", "GRANT SELECT ON df.instances TO judy");
        assertMay(database, "judy", false);
    }

    @Test
    void says_what_it_did() throws SQLException {
        database.createRole("frank");
        try (Connection connection = database.connect(OWNER);
                var statement = connection.createStatement()) {
            statement.execute("SELECT df.grant_usage('frank')");
            assertThat(statement.getWarnings().getMessage())
                    .isEqualTo("pg_durable: granted df usage privileges to \"frank\"");
            statement.execute("SELECT df.revoke_usage('frank')");
            assertThat(statement.getWarnings().getMessage())
                    .isEqualTo("pg_durable: revoked df usage privileges granted by \"df_worker\" from \"frank\"");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"PUBLIC", "public", "Public"})
    void public_means_everybody_in_any_case(String everybody) throws SQLException {
        database.createRole("grace");
        database.execute(OWNER, "SELECT df.grant_usage('" + everybody + "')");
        assertThat(database.value("grace", "SELECT df.start('q')")).hasSize(8);
        database.execute(OWNER, "SELECT df.revoke_usage('" + everybody + "')");
        assertThat(error("grace", "SELECT df.start('q')")).startsWith("42501");
    }

    @ParameterizedTest
    @ValueSource(strings = {"we ird", "UpperCase", "quo\"te", "sel'ect", "a;b"})
    void role_names_are_quoted(String role) throws SQLException {
        database.createUser(role);
        assertThat(database.value(role, "SELECT df.start('q')")).hasSize(8);
        database.execute(OWNER, "SELECT df.revoke_usage('" + role.replace("'", "''") + "')");
        assertThat(error(role, "SELECT df.version()")).startsWith("42501");
    }

    @Test
    void wrong_roles_are_refused() {
        assertThat(error(OWNER, "SELECT df.grant_usage('no such role')")).startsWith("42704");
        assertThat(error(OWNER, "SELECT df.grant_usage(NULL)")).startsWith("22004");
        assertThat(error(OWNER, "SELECT df.revoke_usage(NULL)")).startsWith("22004");
    }

    @Test
    void nobody_but_the_owner_may_execute_the_sensitive_functions() throws SQLException {
        assertThat(
                        database.rows(
                                OWNER,
                                "SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'df'::regnamespace"
                                        + " AND NOT has_function_privilege('public', p.oid, 'EXECUTE') AND p.proname !~ '^(_|checkpoint)' ORDER BY 1"))
                .extracting(row -> row.get(0))
                .contains("grant_usage", "http", "http_multipart", "metrics", "revoke_usage");
    }

    @Test
    void every_function_has_a_comment_and_every_definer_pins_its_search_path() throws SQLException {
        assertThat(database.rows(
                        OWNER,
                        "SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'df'::regnamespace"
                                + " AND obj_description(p.oid, 'pg_proc') IS NULL"))
                .isEmpty();
        assertThat(
                        database.rows(
                                OWNER,
                                "SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'df'::regnamespace"
                                        + " AND p.prosecdef AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=pg_catalog,%')"))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            instances | SELECT | cancel_reason,compensated,completed_at,created_at,database,execution_count,forked_from,graph,id,idempotency_key,label,output,parent_id,root_node,started_at,status,submitted_by,updated_at,vars
            instances | INSERT | database,graph,id,idempotency_key,label,root_node,submitted_by,vars
            instances | UPDATE | cancel_reason,status,updated_at
            nodes     | INSERT | database,id,instance_id,left_node,node_type,query,result_name,right_node,submitted_by
            nodes     | UPDATE |
            vars      | SELECT | name,owner,unset,value
            vars      | INSERT | name,owner,value
            vars      | UPDATE | unset,value
            signals   | INSERT | data,instance_id,name
            signals   | UPDATE |
            _events   | INSERT |
            _events   | UPDATE |
            _attributes | INSERT | attributes,instance_id,submitted_by
            _attributes | UPDATE |
            _attribute_entries | INSERT |
            """)
    void a_granted_role_may_use_these_columns_and_no_others(String table, String privilege, String columns)
            throws SQLException {
        database.createUser("judith");
        assertThat(database.value(
                        OWNER,
                        "SELECT coalesce(string_agg(attname::text, ',' ORDER BY attname::text COLLATE \"C\"), '') FROM pg_attribute WHERE"
                                + " attrelid = ('df.' || ?)::regclass AND attnum > 0 AND NOT attisdropped AND"
                                + " has_column_privilege('judith', attrelid, attnum, ?)",
                        table,
                        privilege))
                .isEqualTo(columns == null ? "" : columns);
        assertThat(database.value(
                        OWNER,
                        "SELECT has_table_privilege('judith', ('df.' || ?)::regclass, 'DELETE, TRUNCATE, REFERENCES, TRIGGER')",
                        table))
                .isEqualTo("f");
    }
}
