package dev.perdure.security;

import static dev.perdure.engine.Submitter.GATE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.engine.InProcessWorker;
import dev.perdure.engine.Submitter;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Roles that change between the start of an instance and its steps, and roles as which nobody can log in. */
class RoleChangesTest {

    private static TestDatabase database;
    private static InProcessWorker worker;

    @BeforeAll
    static void begin() {
        database = PostgresServer.get().newDatabase();
        worker = InProcessWorker.start(database, Map.of("perdure.step.session-max-age", "1ms"));
    }

    @AfterAll
    static void end() {
        worker.close();
    }

    @Test
    void a_renamed_role_goes_on_and_who_took_its_name_gets_nothing_of_it() throws SQLException {
        String id;
        try (Submitter role = Submitter.of(database, "changes_before")) {
            id = role.start(GATE + " ~> 'SELECT session_user::text AS who'");
            role.awaitValue("running", "SELECT status FROM df.instances WHERE id = ?", id);
        }
        database.asSuperuser("ALTER ROLE changes_before RENAME TO changes_after; CREATE ROLE changes_before LOGIN;"
                + " SELECT df.grant_usage('changes_before')");
        try (Submitter observer = Submitter.observer(database)) {
            observer.open(id);
            assertThat(observer.await(id).output()).contains("{\"who\":\"changes_after\"}");
        }
        database.asSuperuser("DROP OWNED BY changes_after; DROP ROLE changes_after");
        database.asSuperuser("DROP OWNED BY changes_before; DROP ROLE changes_before");
    }

    @Test
    void a_role_that_becomes_a_superuser_while_its_instance_runs_runs_no_further_step() throws SQLException {
        try (Submitter role = Submitter.of(database, "changes_mighty")) {
            String id = role.start(GATE + " ~> 'SELECT 1'");
            role.awaitValue("running", "SELECT status FROM df.instances WHERE id = ?", id);
            database.asSuperuser("ALTER ROLE changes_mighty SUPERUSER");
            role.open(id);
            assertThat(role.await(id).output())
                    .contains("submitted_by role \"changes_mighty\" is a superuser, but"
                            + " pg_durable.enable_superuser_instances is off");

            // The rule can be changed while everything runs.
            database.execute(
                    PostgresServer.OWNER, "INSERT INTO df.settings VALUES ('enable_superuser_instances', 'on')");
            assertThat(role.run("'SELECT 1 AS n'").status()).isEqualTo("completed");
            database.execute(PostgresServer.OWNER, "DELETE FROM df.settings WHERE name = 'enable_superuser_instances'");
            assertThatThrownBy(() -> role.start("'SELECT 1'")).hasMessageContaining("enable_superuser_instances");
        } finally {
            database.asSuperuser("ALTER ROLE changes_mighty NOSUPERUSER");
        }
    }

    @Test
    void a_role_that_becomes_a_member_of_the_owner_runs_no_further_step() throws SQLException {
        try (Submitter role = Submitter.of(database, "changes_member")) {
            String id = role.start(GATE + " ~> 'SELECT 1'");
            role.awaitValue("running", "SELECT status FROM df.instances WHERE id = ?", id);
            database.asSuperuser("GRANT df_worker TO changes_member");
            role.open(id);
            assertThat(role.await(id).output()).contains("is a member of the owner of schema df");
            assertThatThrownBy(() -> role.start("'SELECT 1'")).hasMessageContaining("member of its owner");
        } finally {
            database.asSuperuser("REVOKE df_worker FROM changes_member");
        }
    }

    @Test
    void a_role_as_which_nobody_can_log_in_is_refused_at_once_with_the_reason() throws SQLException {
        try (Submitter role = Submitter.of(database, "changes_limited")) {
            database.asSuperuser("ALTER ROLE changes_limited CONNECTION LIMIT 0");
            assertThatThrownBy(() -> role.start("'SELECT 1'")).hasMessageContaining("CONNECTION LIMIT is 0");
            database.asSuperuser("ALTER ROLE changes_limited CONNECTION LIMIT -1");

            // The worker has no passwords here, and VALID UNTIL is about passwords only.
            database.asSuperuser("ALTER ROLE changes_limited VALID UNTIL '2020-01-01'");
            assertThat(role.run("'SELECT 1'").status()).isEqualTo("completed");

            database.asSuperuser("REVOKE CONNECT ON DATABASE " + database.name() + " FROM PUBLIC");
            assertThatThrownBy(() -> role.start("'SELECT 1'"))
                    .hasMessageContaining("may not CONNECT to database \"" + database.name() + "\"");
        } finally {
            database.asSuperuser("GRANT CONNECT ON DATABASE " + database.name()
                    + " TO PUBLIC; ALTER ROLE changes_limited CONNECTION LIMIT -1 VALID UNTIL 'infinity'");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "PUBLIC ",
                "a role with spaces",
                "quo\"te'd\\",
                "semi;colon--",
                "Ünïcödé 日本",
                "$dollar$",
                "63 bytes 789012345678901234567890123456789012345678901234567890"
            })
    void odd_names_start_run_and_keep_their_variables(String name) throws SQLException {
        try (Submitter odd = Submitter.of(database, name)) {
            odd.execute("SELECT df.setvar('v', 'mine')");
            assertThat(odd.run("'SELECT session_user = current_user AND ''{v}'' = ''mine'' AS same'")
                            .output())
                    .contains("\"same\":true");
        }
    }
}
