package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.leader.LeaderStatus;
import dev.perdure.schema.Migration;
import dev.perdure.schema.MigrationException;
import dev.perdure.testing.DebianServer;
import dev.perdure.testing.PgBouncer;
import dev.perdure.testing.Slow;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A PgBouncer as Debian installs it, before a server as people have it: docs/pgbouncer.md. */
@Slow("a server and a pooler for each mode")
class PgBouncerTest {

    private static final String APP = "bounced_app";
    private static final Map<String, String> PASSWORDS =
            Map.of("perdure.login.passwords." + APP, DebianServer.password(APP), "perdure.leader.deadline", "3s");
    private static DebianServer server;
    private static String database;

    @BeforeAll
    static void begin() {
        server = DebianServer.get();
        database = server.newDatabase();
        server.createUser(APP, database);
    }

    private static Submitter direct() throws SQLException {
        return Submitter.at(server.url(APP, DebianServer.password(APP), database));
    }

    @Test
    void the_worker_works_through_session_mode() throws SQLException {
        try (PgBouncer pooler = PgBouncer.start(server, "session", "df_worker", APP);
                InProcessWorker worker = InProcessWorker.start(pooler.url("df_worker", database), PASSWORDS);
                Submitter app = Submitter.at(pooler.url(APP, database))) {
            // What a session pins holds in its first step, behind the reset in one transaction, and in another one.
            String pinned = "'SELECT concat_ws('' '', current_setting(''client_min_messages''),"
                    + " current_setting(''backslash_quote''), current_setting(''df.in_workflow''),"
                    + " current_setting(''idle_in_transaction_session_timeout''),"
                    + " current_setting(''application_name'')) AS s'";
            String all = "error safe_encoding true 1min perdure-step";
            assertThat(app.run(pinned).output()).contains(all);
            assertThat(app.run("'SET client_min_messages = debug1' ~> " + pinned)
                            .output())
                    .contains(all);
            assertThat(app.run("df.sleep(1) ~> " + pinned).output()).contains(all);

            String endless = app.start("'SELECT pg_sleep(600)'");
            app.awaitValue("running", "SELECT df.status(?)", endless);
            app.value("SELECT df.cancel(?)", endless);
            assertThat(app.await(endless).status()).isEqualTo("cancelled");

            String waits = app.start("df.wait_for_signal('go') ~> 'SELECT 1'");
            app.value("SELECT df.signal(?, 'go')", waits);
            assertThat(app.await(waits).status()).isEqualTo("completed");

            worker.loseMemory();
            assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");
        }
    }

    @Test
    void what_is_set_for_a_role_does_not_change_its_steps_behind_a_pooler() throws SQLException {
        String odd = "bounced_odd";
        server.createUser(odd, database);
        server.asSuperuser(
                "postgres",
                "ALTER ROLE bounced_odd SET standard_conforming_strings = off;"
                        + "ALTER ROLE bounced_odd SET IntervalStyle = 'iso_8601';"
                        + "ALTER ROLE bounced_odd SET bytea_output = 'escape';"
                        + "ALTER ROLE bounced_odd SET client_min_messages = 'debug1'");
        try (PgBouncer pooler = PgBouncer.start(server, "session", "df_worker", odd);
                InProcessWorker worker = InProcessWorker.start(
                        pooler.url("df_worker", database),
                        Map.of("perdure.login.passwords." + odd, DebianServer.password(odd)));
                Submitter app = Submitter.at(pooler.url(odd, database))) {
            app.execute("SET standard_conforming_strings = on");
            Submitter.Ended ended = app.run("'SELECT 1' ~> 'SELECT ''a\\b'' AS a, interval ''1 day'' AS i' ~> 'SELECT"
                    + " ''a\\b'' AS a, interval ''1 day'' AS i'");
            assertThat(ended.output()).contains("\"a\":\"a\\\\b\"", "1 day");
            assertThat(worker.statistics().stepsFailed()).isZero();
        }
    }

    @Test
    void the_schema_is_installed_through_session_mode() {
        String empty = "bounced_empty";
        server.asSuperuser("postgres", "CREATE DATABASE " + empty);
        server.asSuperuser("postgres", "GRANT CREATE ON DATABASE " + empty + " TO df_worker");
        server.asSuperuser(empty, "GRANT CREATE ON SCHEMA public TO df_worker");
        try (PgBouncer pooler = PgBouncer.start(server, "session", "df_worker")) {
            assertThat(Migration.migrate(pooler.url("df_worker", empty))).isPositive();
            assertThat(Migration.migrate(pooler.url("df_worker", empty))).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"transaction", "statement"})
    void nothing_is_installed_or_looked_at_through_another_mode(String mode) {
        try (PgBouncer pooler = PgBouncer.start(server, mode, "df_worker")) {
            DatabaseUrl through = pooler.url("df_worker", database);
            assertThatThrownBy(() -> Migration.migrate(through))
                    .isInstanceOf(MigrationException.class)
                    .hasMessageContaining("a pooler that gives the session of one client to others")
                    .hasMessageContaining("docs/pgbouncer.md");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"transaction", "statement"})
    void the_worker_refuses_other_modes_with_the_true_reason_and_leaves_no_lock_behind(String mode)
            throws SQLException {
        try (PgBouncer pooler = PgBouncer.start(server, mode, "df_worker", APP);
                InProcessWorker worker = InProcessWorker.candidate(pooler.url("df_worker", database), PASSWORDS);
                Submitter app = direct()) {
            await().until(() -> worker.leaderStatus().detail().contains("pool"));
            assertThat(worker.leaderStatus().role()).isEqualTo(LeaderStatus.Role.DISCONNECTED);
            assertThat(worker.leaderStatus().detail()).contains("a pooler in " + mode + " mode", "docs/pgbouncer.md");
            assertThat(app.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database ="
                            + " (SELECT oid FROM pg_database WHERE datname = current_database())"))
                    .isEqualTo("0");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"session", "transaction"})
    void callers_of_df_work_through_either_mode(String mode) throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(server.worker(database), PASSWORDS);
                PgBouncer pooler = PgBouncer.start(server, mode, APP);
                Submitter app = Submitter.at(pooler.url(APP, database))) {
            app.value("SELECT df.setvar('v', 'from a pool')");
            String id = app.start("'SELECT ''{v}'' AS v' ~> df.wait_for_signal('go')");
            app.value("SELECT df.signal(?, 'go', ?)", id, "{\"n\":1}");
            assertThat(app.value("SELECT df.await_instance(?)", id)).isEqualTo("completed");
            assertThat(app.value("SELECT df.explain(?)", id)).contains("✓");
            assertThat(app.value("SELECT result::text FROM df.nodes WHERE instance_id = ? AND node_type = 'SQL'", id))
                    .contains("from a pool");
            String cancelled = app.start("df.sleep(600)");
            app.value("SELECT df.cancel(?)", cancelled);
            assertThat(app.value("SELECT df.await_instance(?)", cancelled)).isEqualTo("cancelled");
            assertThat(worker.statistics().stepsFailed()).isZero();
        }
    }
}
