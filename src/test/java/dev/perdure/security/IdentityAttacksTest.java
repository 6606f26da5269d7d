package dev.perdure.security;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.engine.Submitter;
import dev.perdure.testing.PostgresServer;
import java.sql.SQLException;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Steps that try to become somebody else, or to reach what belongs to the worker. SessionTest has the plain forms. */
class IdentityAttacksTest {

    /** The words of PostgreSQL 14 to 18. */
    private static final Pattern DENIED = Pattern.compile("(?i)permission denied|must be|must have|is not allowed"
            + "|cannot set parameter|would be affected by row-level security|not authorised|term 1 is over");

    private static Scene scene;

    @BeforeAll
    static void begin() throws SQLException {
        scene = Scene.open();
        scene.mallory.execute(
                "CREATE FUNCTION borrow() RETURNS void LANGUAGE plpgsql AS 'BEGIN SET ROLE df_worker; END'");
        scene.mallory.execute(
                "CREATE FUNCTION definer() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN SET ROLE df_worker; END'");
        scene.mallory.execute(
                "CREATE PROCEDURE commits() LANGUAGE plpgsql AS 'BEGIN SET LOCAL ROLE alice; COMMIT; END'");
    }

    @AfterAll
    static void end() throws SQLException {
        scene.close();
    }

    static List<String> steps() {
        return """
                    SELECT borrow()
                    SELECT definer()
                    CALL commits()
                    DO 'BEGIN SET SESSION AUTHORIZATION postgres; END'
                    DO 'BEGIN EXECUTE ''SET LOCAL SESSION AUTHORIZATION alice''; END'
                    SELECT set_config('role', 'alice', true)
                    SELECT set_config('session_authorization', 'alice', true)
                    DO 'BEGIN CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql SET role = df_worker AS ''SELECT 1''; PERFORM pg_temp.f(); END'
                    GRANT df_worker TO mallory
                    GRANT alice TO mallory
                    ALTER ROLE df_worker PASSWORD 'mine'
                    ALTER ROLE mallory SUPERUSER
                    ALTER FUNCTION df.metrics() OWNER TO mallory
                    CREATE OR REPLACE FUNCTION df.version() RETURNS text LANGUAGE sql AS 'SELECT 1'
                    CREATE TABLE df.mine (x int)
                    CREATE TRIGGER t BEFORE UPDATE ON df.instances FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()
                    CREATE RULE r AS ON UPDATE TO df.instances DO ALSO NOTHING
                    ALTER TABLE df.instances DISABLE ROW LEVEL SECURITY
                    CREATE POLICY p ON df.instances USING (true)
                    CREATE INDEX ON df.instances ((mallory_sees(graph)))
                    CREATE STATISTICS s ON id, status FROM df.instances
                    DO 'BEGIN SET row_security = off; PERFORM count(*) FROM df.instances; END'
                    COPY df.nodes TO '/tmp/nodes'
                    COPY public.alices TO PROGRAM 'cat'
                    SELECT pg_read_file('postgresql.conf')
                    SELECT lo_export(1, '/tmp/x')
                    DO 'BEGIN LOAD ''dblink''; END'
                    ALTER SYSTEM SET work_mem = '1GB'
                    SET session_replication_role = replica
                    SELECT setval('df._epoch_seq', 1)
                    INSERT INTO df._logins VALUES (1, 'x')
                    UPDATE df.settings SET value = 'on'
                    SELECT df._login_failed(1, 1, 'x')
                    SELECT df._role(1)
                    SELECT df.metrics()
                    SELECT df.grant_usage('mallory', true, true)
                    SELECT df.checkpoint('\\x00', (SELECT last_value FROM df._epoch_seq), 'x', 1, '{}', NULL)
                    SELECT df.checkpoint('\\x00', 1, 'x', 1, '{}', NULL)
                """
                .lines()
                .map(String::strip)
                .toList();
    }

    @ParameterizedTest
    @MethodSource("steps")
    void the_step_fails_for_lack_of_a_right(String step) throws SQLException {
        Submitter.Ended ended = scene.mallory.run("$df$" + step + "$df$");

        assertThat(ended.status()).as(ended.output()).isEqualTo("failed");
        assertThat(ended.output()).containsPattern(DENIED);
    }

    @Test
    void sessions_of_the_worker_cannot_be_cancelled_or_ended() throws SQLException {
        String pids = "FROM pg_stat_activity WHERE usename IN ('df_worker', 'alice') AND datname = current_database()";
        for (String function : new String[] {"pg_cancel_backend", "pg_terminate_backend"}) {
            assertThat(scene.mallory
                            .run("$df$SELECT " + function + "(pid) " + pids + "$df$")
                            .output())
                    .containsPattern(DENIED);
        }
        // Their statements cannot be read either.
        assertThat(scene.mallory
                        .run("$df$SELECT bool_and(query = '<insufficient privilege>') AS hidden " + pids + "$df$")
                        .output())
                .contains("\"hidden\":true");
        scene.assertAliceIsServed();
    }

    @Test
    void a_definer_function_of_another_role_starts_as_that_role_and_a_session_of_it_is_needed() throws SQLException {
        scene.alice.execute("CREATE FUNCTION public.start_as_alice() RETURNS text LANGUAGE sql SECURITY DEFINER"
                + " SET search_path = pg_catalog AS $$ SELECT df.start('SELECT session_user::text AS who') $$");
        String id = scene.mallory.value("SELECT public.start_as_alice()");

        assertThat(scene.alice.await(String.valueOf(id)).output()).contains("{\"who\":\"alice\"}");
        assertThat(scene.mallory.value("SELECT count(*) FROM df.instances WHERE id = ?", id))
                .isEqualTo("0");
    }

    @Test
    void a_view_or_index_function_of_mallory_gets_no_more_than_the_rights_of_who_touches_it() throws SQLException {
        scene.mallory.execute("CREATE TABLE trap (x text); GRANT SELECT ON trap TO alice;"
                + " CREATE FUNCTION snoop(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN"
                + " PERFORM key FROM df._epoch; RETURN $1; END $$;"
                + " GRANT EXECUTE ON FUNCTION snoop(text) TO PUBLIC;"
                + " CREATE VIEW bait AS SELECT snoop(x) AS x FROM trap; GRANT SELECT ON bait TO alice;"
                + " INSERT INTO trap VALUES ('a')");
        assertThat(scene.alice.run("'SELECT * FROM bait'").output()).contains("permission denied for table _epoch");
        assertThat(scene.mallory.run("'CREATE INDEX ON trap (snoop(x))'").output())
                .contains("permission denied for table _epoch");
        scene.assertAliceIsServed();
        assertThat(scene.database.value(PostgresServer.OWNER, "SELECT count(*) FROM df._epoch"))
                .isEqualTo("1");
    }
}
