package dev.perdure.engine;

import static dev.perdure.engine.Submitter.GATE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What is taken up and what is not: transactions around df.start, roles that went away, rows made by hand. */
class AdmissionTest {

    private static TestDatabase database;
    private static InProcessWorker worker;
    private static Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        worker = InProcessWorker.start(database);
        app = Submitter.of(database, "admission_app");
        app.execute("CREATE TABLE ledger (step text)");
    }

    @AfterAll
    static void end() throws SQLException {
        app.close();
        worker.close();
    }

    /** The worker has seen everything that was committed before. */
    private static void everybodyElseIsServed() throws SQLException {
        assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");
    }

    @Test
    void a_start_that_is_rolled_back_runs_nothing() throws SQLException {
        app.execute("BEGIN");
        app.start("'INSERT INTO ledger VALUES (''rolled back'')'");
        app.execute("ROLLBACK");
        everybodyElseIsServed();

        assertThat(app.value("SELECT count(*) FROM ledger WHERE step = 'rolled back'"))
                .isEqualTo("0");
    }

    @Test
    void a_start_that_commits_late_runs_when_it_commits() throws SQLException {
        try (Submitter late = Submitter.of(database, "admission_app")) {
            late.execute("BEGIN");
            String id = late.start("'INSERT INTO ledger VALUES (''late'')'");
            for (int i = 0; i < 20; i++) {
                everybodyElseIsServed();
            }
            assertThat(app.value("SELECT count(*) FROM df.instances WHERE id = ?", id))
                    .isEqualTo("0");
            late.execute("COMMIT");

            assertThat(app.await(id).status()).isEqualTo("completed");
        }
    }

    @Test
    void many_instances_of_one_statement_are_all_run() throws SQLException {
        app.execute("SELECT df.start('INSERT INTO ledger VALUES (''many'')', 'many') FROM generate_series(1, 1200)");

        app.awaitValue("1200", "SELECT count(*) FROM df.instances WHERE label = 'many' AND status = 'completed'");
        assertThat(app.value("SELECT count(*) FROM ledger WHERE step = 'many'")).isEqualTo("1200");
    }

    // ---- roles as which the worker cannot log in: their steps wait

    /** The step of an instance waits for a login that the server refuses, with this reason. */
    private static void awaitRefusal(TestDatabase in, String role, String reason) throws SQLException {
        try (Submitter observer = Submitter.observer(in)) {
            observer.awaitValue(
                    "t", "SELECT bool_or(problem ~ ?) FROM df._logins WHERE role_oid = ?::regrole", reason, role);
        }
    }

    @Test
    void a_step_of_a_role_that_may_no_longer_log_in_waits_until_it_may() throws SQLException {
        try (Submitter former = Submitter.of(database, "admission_former")) {
            String id = former.start(GATE + " ~> 'SELECT 1'");
            long failed = worker.statistics().stepsFailed();
            database.asSuperuser("ALTER ROLE admission_former NOLOGIN");
            former.open(id);
            awaitRefusal(database, "admission_former", "is not permitted to log in");

            everybodyElseIsServed();
            assertThat(former.value("SELECT df.status(?)", id)).isEqualTo("running");
            database.asSuperuser("ALTER ROLE admission_former LOGIN");

            assertThat(former.await(id).status()).isEqualTo("completed");
            assertThat(former.node(id, "SELECT 1", "attempt"))
                    .as("waiting is no attempt")
                    .isEqualTo("1");
            assertThat(worker.statistics().stepsFailed()).isEqualTo(failed);
        } finally {
            database.asSuperuser("ALTER ROLE admission_former LOGIN");
        }
    }

    @Test
    void a_step_of_a_role_for_which_the_server_asks_a_password_waits_until_it_does_not()
            throws SQLException, IOException {
        Path rules = Path.of(database.value("postgres", "SHOW hba_file"));
        String before = Files.readString(rules);
        try (Submitter asked = Submitter.of(database, "admission_asked")) {
            Files.writeString(rules, "host all admission_asked all scram-sha-256\n" + before);
            database.asSuperuser("SELECT pg_reload_conf()");
            String id = asked.start("'SELECT 1'");
            awaitRefusal(database, "admission_asked", "password");
            everybodyElseIsServed();
            Files.writeString(rules, before);
            database.asSuperuser("SELECT pg_reload_conf()");

            assertThat(asked.await(id).status()).isEqualTo("completed");
        } finally {
            Files.writeString(rules, before);
            database.asSuperuser("SELECT pg_reload_conf()");
        }
    }

    @Test
    void a_step_of_a_role_without_the_right_to_connect_waits_until_it_has_it() throws SQLException {
        TestDatabase own = PostgresServer.get().newDatabase();
        try (InProcessWorker ours = InProcessWorker.start(own);
                Submitter user = Submitter.of(own, "admission_connect")) {
            String id = user.start(GATE + " ~> 'SELECT 1'");
            own.asSuperuser("REVOKE CONNECT ON DATABASE " + own.name() + " FROM PUBLIC; GRANT CONNECT ON DATABASE "
                    + own.name() + " TO df_worker");
            user.open(id);
            awaitRefusal(own, "admission_connect", "permission denied for database");
            own.asSuperuser("GRANT CONNECT ON DATABASE " + own.name() + " TO admission_connect");

            assertThat(user.await(id).status()).isEqualTo("completed");
            assertThat(ours.statistics().stepsFailed()).isZero();
        }
    }

    @Test
    void a_step_of_a_role_that_cannot_log_in_for_too_long_fails_with_the_reason() throws SQLException {
        TestDatabase own = PostgresServer.get().newDatabase();
        try (InProcessWorker ours = InProcessWorker.start(own, Map.of("perdure.login.give-up-after", "1s"));
                Submitter user = Submitter.of(own, "admission_given_up")) {
            String id = user.start(GATE + " ~> 'SELECT 1'");
            own.asSuperuser("ALTER ROLE admission_given_up NOLOGIN");
            user.open(id);

            assertThat(user.await(id).output())
                    .startsWith("Failed to connect to database '" + own.name() + "' as 'admission_given_up'. Error: ")
                    .contains("\"admission_given_up\" is not permitted to log in")
                    .contains("given up after");
            assertThat(ours.statistics().stepsFailed()).isEqualTo(1);
        } finally {
            own.asSuperuser("ALTER ROLE admission_given_up LOGIN");
        }
    }

    @Test
    void a_step_of_a_role_with_too_many_connections_waits_and_others_are_served() throws SQLException {
        try (Submitter limited = Submitter.of(database, "admission_limited")) {
            database.asSuperuser("ALTER ROLE admission_limited CONNECTION LIMIT 1");
            limited.execute("CREATE TABLE limited (n int)");
            limited.value("SELECT count(df.start('INSERT INTO limited VALUES (1)')) FROM generate_series(1, 50)");
            for (int i = 0; i < 20; i++) {
                everybodyElseIsServed();
            }
            assertThat(limited.value("SELECT count(*) FROM limited")).isEqualTo("0");
            assertThat(limited.value("SELECT count(*) FROM df.instances WHERE status = 'failed'"))
                    .isEqualTo("0");

            database.asSuperuser("ALTER ROLE admission_limited CONNECTION LIMIT -1");

            limited.awaitValue("50", "SELECT count(*) FROM limited");
        }
    }

    @Test
    void a_role_that_was_dropped_fails_the_instance_with_the_reason() throws SQLException {
        String id;
        try (Submitter gone = Submitter.of(database, "admission_gone")) {
            id = gone.start(GATE + " ~> 'SELECT 1'");
        }
        database.asSuperuser("DROP OWNED BY admission_gone; DROP ROLE admission_gone");
        try (Submitter observer = Submitter.observer(database)) {
            observer.open(id);
            assertThat(observer.await(id).output()).contains("no longer exists");
        }
    }

    @Test
    void a_role_that_was_dropped_before_its_instance_is_taken_up_fails_it() throws SQLException {
        TestDatabase own = PostgresServer.get().newDatabase();
        String id;
        try (Submitter gone = Submitter.of(own, "admission_gone_early")) {
            id = gone.start("'SELECT 1'");
        }
        own.asSuperuser("DROP OWNED BY admission_gone_early; DROP ROLE admission_gone_early");
        try (InProcessWorker ours = InProcessWorker.start(own);
                Submitter observer = Submitter.observer(own)) {
            assertThat(observer.await(id).output())
                    .isEqualTo("Instance " + id + ": submitted_by role no longer exists in pg_roles");
            assertThat(ours.statistics().stepsFailed()).isZero();
        }
    }

    @Test
    void a_role_that_became_a_superuser_is_blocked() throws SQLException {
        TestDatabase own = PostgresServer.get().newDatabase();
        try (Submitter mighty = Submitter.of(own, "admission_mighty")) {
            String id = mighty.start("'SELECT 1'");
            own.asSuperuser("ALTER ROLE admission_mighty SUPERUSER");
            try (InProcessWorker ours = InProcessWorker.start(own)) {
                assertThat(mighty.await(id).output())
                        .contains("is a superuser")
                        .startsWith("pg_durable blocked instance");
                assertThat(ours.statistics().stepsFailed()).isZero();
            }
        } finally {
            own.asSuperuser("ALTER ROLE admission_mighty NOSUPERUSER");
        }
    }

    @Test
    void a_workflow_for_a_database_that_is_not_there_is_refused_at_once() {
        assertThatThrownBy(() -> app.value("SELECT df.start('SELECT 1', database => 'nowhere')"))
                .hasMessageContaining("database \"nowhere\" does not exist");
    }

    // ---- rows made by hand, which row-level security lets everybody do

    private static String byHand(String id, String root, String nodes) throws SQLException {
        app.execute("BEGIN; SET CONSTRAINTS ALL DEFERRED;"
                + " INSERT INTO df.instances (id, root_node, submitted_by) VALUES ('" + id + "', '" + root
                + "', 'admission_app');"
                + " INSERT INTO df.nodes (id, instance_id, node_type, query, left_node, right_node, submitted_by) "
                + nodes + "; COMMIT");
        return id;
    }

    @Test
    void a_cycle_fails_its_instance() throws SQLException {
        String id = byHand(
                "00000001",
                "0000000a",
                "VALUES ('0000000a', '00000001', 'THEN', NULL, '0000000b', '0000000a', 'admission_app'::regrole),"
                        + " ('0000000b', '00000001', 'SQL', 'SELECT 1', NULL, NULL, 'admission_app')");

        assertThat(app.await(id).status()).isEqualTo("failed");
        everybodyElseIsServed();
    }

    @Test
    void a_node_that_is_used_twice_fails_its_instance() throws SQLException {
        String id = byHand(
                "00000002",
                "0000000a",
                "VALUES ('0000000a', '00000002', 'THEN', NULL, '0000000b', '0000000b', 'admission_app'::regrole),"
                        + " ('0000000b', '00000002', 'SQL', 'SELECT 1', NULL, NULL, 'admission_app')");

        assertThat(app.await(id).status()).isEqualTo("failed");
        everybodyElseIsServed();
    }

    @Test
    void a_branch_that_hangs_in_the_air_fails_its_instance() throws SQLException {
        String id = byHand(
                "00000003",
                "0000000a",
                "VALUES ('0000000a', '00000003', 'JOIN', '{\"extra_nodes\": [\"0000000f\"]}', '0000000b', '0000000c',"
                        + " 'admission_app'::regrole), ('0000000b', '00000003', 'SQL', 'SELECT 1', NULL, NULL, 'admission_app'),"
                        + " ('0000000c', '00000003', 'SQL', 'SELECT 1', NULL, NULL, 'admission_app')");

        assertThat(app.await(id).output()).contains("0000000f");
        everybodyElseIsServed();
    }

    @Test
    void more_nodes_than_allowed_fail_their_instance() throws SQLException {
        // A balanced tree: node i has the children 2 i + 1 and 2 i + 2.
        String id = byHand(
                "00000004",
                "00000000",
                "SELECT lpad(to_hex(i), 8, '0'), '00000004', CASE WHEN i < 5000 THEN 'THEN' ELSE 'SQL' END,"
                        + " CASE WHEN i >= 5000 THEN 'SELECT 1' END,"
                        + " CASE WHEN i < 5000 THEN lpad(to_hex(2 * i + 1), 8, '0') END,"
                        + " CASE WHEN i < 5000 THEN lpad(to_hex(2 * i + 2), 8, '0') END, 'admission_app'::regrole"
                        + " FROM generate_series(0, 10000) i");

        assertThat(app.await(id).status()).isEqualTo("failed");
        assertThat(app.await(id).output()).contains("10000");
        everybodyElseIsServed();
    }

    @Test
    void a_graph_that_is_nested_too_deep_fails_its_instance() throws SQLException {
        String id = byHand(
                "00000016",
                "00000000",
                "SELECT lpad(to_hex(i), 8, '0'), '00000016', CASE WHEN i % 2 = 0 AND i < 2000 THEN 'THEN' ELSE 'SQL' END,"
                        + " CASE WHEN i % 2 = 1 OR i = 2000 THEN 'SELECT 1' END,"
                        + " CASE WHEN i % 2 = 0 AND i < 2000 THEN lpad(to_hex(i + 1), 8, '0') END,"
                        + " CASE WHEN i % 2 = 0 AND i < 2000 THEN lpad(to_hex(i + 2), 8, '0') END, 'admission_app'::regrole"
                        + " FROM generate_series(0, 2000) i");

        assertThat(app.await(id).output()).contains("maximum nesting depth");
        everybodyElseIsServed();
    }

    @Test
    void nodes_that_name_another_submitter_cannot_be_made_and_are_not_run() throws SQLException {
        database.createUser("admission_victim");
        assertThatThrownBy(() -> byHand(
                        "00000005",
                        "0000000a",
                        "VALUES ('0000000a', '00000005', 'SQL', 'SELECT 1', NULL, NULL, 'admission_victim'::regrole)"))
                .hasMessageContaining("row-level security");
        app.execute("ROLLBACK");
        // Past the policies and the foreign key, as a restored dump might be.
        database.asSuperuser(
                "SET session_replication_role = replica; INSERT INTO df.instances (id, root_node, submitted_by)"
                        + " VALUES ('00000006', '0000000a', 'admission_app'); INSERT INTO df._nodes (id, instance_id, node_type, query,"
                        + " submitted_by) VALUES ('0000000a', '00000006', 'SQL', 'SELECT 1', 'admission_victim');"
                        + " INSERT INTO df._inbox (instance_id, role) VALUES ('00000006', 'admission_app'::regrole)");

        assertThat(app.await("00000006").output()).contains("another submitted_by");
        everybodyElseIsServed();
    }

    @Test
    void a_root_that_is_missing_fails_its_instance() throws SQLException {
        database.asSuperuser(
                "SET session_replication_role = replica; INSERT INTO df.instances (id, root_node, submitted_by)"
                        + " VALUES ('00000007', '0000000a', 'admission_app');"
                        + " INSERT INTO df._inbox (instance_id, role) VALUES ('00000007', 'admission_app'::regrole)");

        assertThat(app.await("00000007").status()).isEqualTo("failed");
        everybodyElseIsServed();
    }

    @Test
    void settings_of_a_node_that_are_nonsense_fail_their_instance() throws SQLException {
        for (String[] node : new String[][] {
            {"00000008", "'SLEEP', 'soon'"},
            {"00000009", "'SLEEP', '99999999999999999999'"},
            {"00000011", "'WAIT_SCHEDULE', 'now and then'"},
            {"00000012", "'SIGNAL', '[]'"},
            {"00000013", "'HTTP', ''"},
            {"00000014", "'BREAK', '{}'"},
            {"00000015", "'SQL', 'SELECT ''' || repeat('x', 1000) || repeat('$', 1000)"}
        }) {
            byHand(
                    node[0],
                    "0000000a",
                    "VALUES ('0000000a', '" + node[0] + "', " + node[1] + ", NULL, NULL, 'admission_app'::regrole)");

            assertThat(app.await(node[0]).status()).as(node[1]).isEqualTo("failed");
        }
        everybodyElseIsServed();
    }

    @Test
    void a_user_who_locks_own_rows_stalls_nobody_else() throws SQLException {
        try (Submitter locker = Submitter.of(database, "admission_locker")) {
            String mine = locker.start("df.sleep(1) ~> 'SELECT 1' ~> 'SELECT 2'");
            locker.execute("BEGIN");
            locker.value("SELECT count(*) FROM (SELECT id FROM df.instances FOR UPDATE) x");
            for (int i = 0; i < 5; i++) {
                everybodyElseIsServed();
            }
            app.run("df.sleep(1) ~> 'SELECT 1'");
            locker.execute("ROLLBACK");

            assertThat(locker.await(mine).status()).isEqualTo("completed");
        }
    }
}
