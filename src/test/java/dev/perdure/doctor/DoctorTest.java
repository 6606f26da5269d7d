package dev.perdure.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.doctor.Finding.Level;
import dev.perdure.engine.InProcessWorker;
import dev.perdure.engine.Submitter;
import dev.perdure.session.SubmitterLogin;
import dev.perdure.testing.CitusCluster;
import dev.perdure.testing.CitusNode;
import dev.perdure.testing.DebianServer;
import dev.perdure.testing.PgBouncer;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** Each thing that can be wrong is named, with what to do; and nothing else is. */
class DoctorTest {

    private TestDatabase database;

    @BeforeEach
    void begin() {
        database = PostgresServer.get().newDatabase();
        database.asSuperuser("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    }

    @Test
    void a_database_in_which_all_is_well_has_no_problem() throws SQLException {
        database.createUser("doctor_app");
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            List<Finding> findings = examine();

            assertThat(findings).noneMatch(Finding::isProblem);
            assertThat(findings)
                    .extracting(Finding::subject)
                    .contains("reach", "pooler", "TLS", "server", "encoding", "schema df", "owner", "operators")
                    .contains(
                            "login doctor_app", "clock", "max_connections", "settings", "sequences", "leader", "work");
            assertThat(text(findings, "leader"))
                    .startsWith("a worker leads since ")
                    .contains(", from ");
            assertThat(worker.leaderStatus().epoch()).isPositive();
        }
    }

    @Test
    void a_pooler_in_transaction_mode_is_a_problem_and_one_in_session_mode_is_not() {
        DebianServer server = DebianServer.get();
        String name = server.newDatabase();
        try (PgBouncer pooler = PgBouncer.start(server, "transaction", PostgresServer.OWNER)) {
            List<Finding> findings = examine(settings(pooler.url(PostgresServer.OWNER, name), true));

            assertThat(finding(findings, "pooler").level()).isEqualTo(Level.PROBLEM);
            assertThat(text(findings, "pooler")).startsWith("a pooler in transaction mode is in between");
            assertThat(findings).extracting(Finding::subject).containsExactly("reach", "pooler");
        }
        try (PgBouncer pooler = PgBouncer.start(server, "session", PostgresServer.OWNER)) {
            List<Finding> findings = examine(settings(pooler.url(PostgresServer.OWNER, name), true));

            assertThat(finding(findings, "pooler").level()).isEqualTo(Level.NOTE);
            assertThat(text(findings, "pooler")).startsWith("a pooler in session mode is in between");
            assertThat(findings).extracting(Finding::subject).contains("schema df", "settings", "work");
        }
        assertThat(text(examine(settings(server.worker(name), true)), "pooler"))
                .startsWith("none: the session is the server's own");
    }

    @Test
    @EnabledIf(value = "hasCitus", disabledReason = "no coordinator of Citus is given (-Dperdure.citus.url)")
    void citus_is_well_or_a_node_is_away_or_a_table_of_df_is_not_plain() throws SQLException {
        try (CitusCluster cluster = CitusCluster.create().orElseThrow()) {
            DatabaseUrl url = cluster.url(PostgresServer.OWNER);
            assertThat(ofCitus(url)).contains("schema df is not ready for its nodes, and steps wait");
            assertThat(examine(settings(url, true)))
                    .as("a new database is not blamed for it")
                    .noneMatch(Finding::isProblem);
            assertThat(examine(settings(url, false)))
                    .anyMatch(found -> found.isProblem() && found.subject().equals("citus"));
            try (InProcessWorker worker = InProcessWorker.start(url)) {
                assertThat(worker.leaderStatus().epoch()).isPositive();
            }
            assertThat(ofCitus(url))
                    .contains("a coordinator with " + (cluster.nodes().size() - 1) + " other nodes");

            CitusNode node = cluster.nodes().get(1);
            node.crash();
            assertThat(ofCitus(url)).contains("node " + node.host() + ":" + node.port() + " does not answer the owner");
            node.start();

            cluster.execute(PostgresServer.OWNER, "SELECT citus_add_local_table_to_metadata('df.settings')");
            assertThat(ofCitus(url)).contains("SELECT undistribute_table('df.settings')");
        }
    }

    static boolean hasCitus() {
        return CitusCluster.isThere();
    }

    private static String ofCitus(DatabaseUrl url) {
        return examine(settings(url, true)).stream()
                .filter(finding -> finding.subject().equals("citus"))
                .map(Finding::text)
                .collect(Collectors.joining("; "));
    }

    @Test
    void nobody_leads() {
        Finding leader = problem("leader");

        assertThat(leader.text()).contains("no worker has led yet");
        assertThat(leader.remedy()).startsWith("start a worker");
    }

    @Test
    void a_new_database_is_not_blamed_for_it() {
        assertThat(finding(examine(settings(database.url(), true)), "leader").level())
                .isEqualTo(Level.NOTE);
    }

    @Test
    void a_server_that_is_not_there() {
        DatabaseUrl nowhere = DatabaseUrl.parse("postgresql://df_worker@127.0.0.1:1/app");

        List<Finding> findings = examine(settings(nowhere, false));

        assertThat(findings).hasSize(1);
        assertThat(findings.get(0).subject()).isEqualTo("reach");
        assertThat(findings.get(0).text()).contains("127.0.0.1:1").contains("refused");
        assertThat(findings.get(0).remedy()).contains("is the server up");
    }

    @Test
    void a_database_that_is_not_there() {
        DatabaseUrl url = database.url().withDatabase("no_such_database");

        assertThat(examine(settings(url, false)).get(0).remedy()).contains("--create-database");
    }

    @Test
    void a_schema_that_is_not_installed_and_rights_that_are_missing() {
        TestDatabase empty = PostgresServer.get().newEmptyDatabase();
        empty.asSuperuser("REVOKE CREATE ON DATABASE " + empty.name() + " FROM df_worker;"
                + " REVOKE CREATE ON SCHEMA public FROM df_worker, PUBLIC");

        List<Finding> findings = examine(settings(empty.url(), true));

        assertThat(findings)
                .filteredOn(Finding::isProblem)
                .extracting(Finding::remedy)
                .contains(
                        "GRANT CREATE ON DATABASE " + empty.name() + " TO df_worker",
                        "GRANT USAGE, CREATE ON SCHEMA public TO df_worker");
    }

    @Test
    void a_schema_of_somebody_else() {
        TestDatabase foreign = PostgresServer.get().newEmptyDatabase();
        foreign.asSuperuser("CREATE SCHEMA df");

        assertThat(finding(examine(settings(foreign.url(), true)), "schema df").text())
                .contains("belongs to the role postgres");
    }

    @Test
    void a_database_of_another_encoding() {
        PostgresServer.get()
                .asSuperuser(
                        "postgres", "CREATE DATABASE doctor_ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'");
        DatabaseUrl url = database.url().withDatabase("doctor_ascii");

        assertThat(finding(examine(settings(url, true)), "encoding").remedy()).contains("ENCODING 'UTF8'");
    }

    @Test
    void a_schema_public_in_which_everybody_may_create() {
        database.asSuperuser("GRANT CREATE ON SCHEMA public TO PUBLIC");

        assertThat(problem("public").remedy()).isEqualTo("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    }

    @Test
    void a_member_of_the_owner() {
        PostgresServer.get().createRole("doctor_member");
        database.asSuperuser("GRANT df_worker TO doctor_member");
        try {
            assertThat(finding(examine(), "owner").text()).contains("doctor_member");
        } finally {
            database.asSuperuser("REVOKE df_worker FROM doctor_member");
        }
    }

    @Test
    void operators_that_are_missing() throws SQLException {
        database.execute(PostgresServer.OWNER, "DROP OPERATOR public.~> (text, text)");

        assertThat(problem("operators").text()).contains("missing: ~>");
    }

    @Test
    void a_hardened_schema_public_hides_the_operators() throws SQLException {
        database.createUser("doctor_hardened");
        database.asSuperuser(
                "REVOKE ALL ON SCHEMA public FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM doctor_hardened");

        Finding login = problem("login doctor_hardened");

        assertThat(login.text()).contains("an operator of the workflow language is not found");
        assertThat(login.remedy()).contains("GRANT USAGE ON SCHEMA public");
    }

    @Test
    void submitters_that_cannot_log_in_or_may_not_use_df() throws SQLException {
        database.createUser("doctor_none");
        PostgresServer.get().createRole("doctor_stranger");
        database.asSuperuser("ALTER ROLE doctor_none CONNECTION LIMIT 0");
        try {
            assertThat(problem("login doctor_none").remedy()).isEqualTo("ALTER ROLE doctor_none CONNECTION LIMIT -1");
            List<Finding> named = examine(new Doctor.Settings(
                    database.url(),
                    SubmitterLogin.withoutPassword(),
                    false,
                    40,
                    List.of("doctor_stranger", "doctor_nobody"),
                    true));
            assertThat(finding(named, "login doctor_stranger").remedy())
                    .isEqualTo("SELECT df.grant_usage('doctor_stranger')");
            assertThat(text(named, "login doctor_nobody")).isEqualTo("there is no such role");
        } finally {
            database.asSuperuser("ALTER ROLE doctor_none CONNECTION LIMIT -1");
        }
    }

    @Test
    void too_few_connections() {
        Finding connections = finding(
                examine(new Doctor.Settings(
                        database.url(), SubmitterLogin.withoutPassword(), false, 100_000, List.of(), true)),
                "max_connections");

        assertThat(connections.isProblem()).isTrue();
        assertThat(connections.remedy()).contains("perdure.step.max-concurrent");
    }

    @Test
    void a_default_isolation_in_which_nobody_can_wait() {
        database.asSuperuser(
                "ALTER DATABASE " + database.name() + " SET default_transaction_isolation = 'repeatable read'");

        assertThat(text(examine(), "isolation"))
                .contains("database " + database.name())
                .contains("repeatable read");
    }

    @Test
    void rows_that_were_copied_from_another_server() {
        database.asSuperuser("INSERT INTO df._origins VALUES ('7000000000000000001', 16384)");

        Finding leader = problem("leader");

        assertThat(leader.text()).contains("workers refuse to work").contains("7000000000000000001");
        assertThat(leader.remedy()).contains("UPDATE df._epoch SET system_identifier = NULL");
    }

    @Test
    void a_sequence_behind_its_rows() throws SQLException {
        signalsAhead();

        assertThat(problem("sequences").text()).contains("df.signals_id_seq");
    }

    @Test
    void work_that_waits_and_what_failed_last() throws SQLException {
        try (Submitter app = Submitter.of(database, "doctor_worker_app")) {
            String failed;
            try (InProcessWorker worker = InProcessWorker.start(database)) {
                failed = app.run("'SELECT 1/0'").id();
                assertThat(worker.leaderStatus().epoch()).isPositive();
            }
            app.start("'SELECT 1'");
            database.asSuperuser(
                    "UPDATE df.instances SET created_at = now() - interval '1 hour' WHERE status = 'pending'");

            List<Finding> findings = examine();

            assertThat(finding(findings, "work").isProblem()).isTrue();
            assertThat(text(findings, "work"))
                    .contains("1 instances wait to begin")
                    .contains("the oldest waits for 36");
            assertThat(text(findings, "last error")).contains(failed).contains("division by zero");
        }
    }

    @Test
    void on_an_ordinary_server_passwords_and_tls_are_looked_at() {
        DebianServer server = DebianServer.get();
        String ordinary = server.newDatabase();
        server.createUser("doctor_known", ordinary);
        server.createUser("doctor_unknown", ordinary);
        server.createUser("doctor_wrong", ordinary);
        SubmitterLogin login = SubmitterLogin.withPasswords(List.of(role -> Optional.ofNullable(
                Map.of("doctor_known", DebianServer.password("doctor_known"), "doctor_wrong", "mistyped")
                        .get(role))));

        List<Finding> findings =
                examine(new Doctor.Settings(server.worker(ordinary), login, true, 72, List.of(), true));

        assertThat(text(findings, "TLS")).startsWith("TLSv1.").endsWith("the server's certificate is verified");
        assertThat(text(findings, "login doctor_known")).isEqualTo("works, and finds the operators");
        assertThat(finding(findings, "login doctor_unknown").remedy()).contains("none is known for doctor_unknown");
        assertThat(text(findings, "login doctor_wrong")).contains("password authentication failed");
        assertThat(finding(findings, "login doctor_wrong").toString()).doesNotContain("mistyped");
        DatabaseUrl wrong = server.url("df_worker", "mistyped", ordinary);
        assertThat(examine(new Doctor.Settings(wrong, login, true, 72, List.of(), true))
                        .get(0)
                        .remedy())
                .contains("the password of df_worker is another");
        DatabaseUrl unverified = DatabaseUrl.parse("postgresql://localhost:" + server.port() + "/?sslmode=require")
                .withUser("df_worker", DebianServer.password("df_worker"))
                .withDatabase(ordinary);
        assertThat(finding(examine(new Doctor.Settings(unverified, login, true, 72, List.of(), true)), "TLS")
                        .level())
                .isEqualTo(Level.NOTE);
    }

    @Test
    void a_standby() {
        DebianServer server = DebianServer.get();
        String ordinary = server.newDatabase();
        int standby = server.standby();
        DatabaseUrl url = server.url(standby, "df_worker", DebianServer.password("df_worker"), ordinary);
        org.awaitility.Awaitility.await("the standby has the database")
                .ignoreExceptions()
                .until(() -> {
                    url.connect().close();
                    return true;
                });

        assertThat(text(examine(settings(url, true)), "server")).contains("a standby");
    }

    private void signalsAhead() throws SQLException {
        try (Submitter app = Submitter.of(database, "doctor_signals")) {
            String id = app.start("df.wait_for_signal('x')");
            app.execute("SELECT df.signal('" + id + "', 'x')");
        }
        database.asSuperuser("SELECT setval('df.signals_id_seq', 1, false)");
    }

    private Finding problem(String subject) {
        List<Finding> findings = examine();
        return findings.stream()
                .filter(finding -> finding.subject().equals(subject) && finding.isProblem())
                .findFirst()
                .orElseThrow(() -> new AssertionError("no problem of " + subject + " in " + findings));
    }

    private List<Finding> examine() {
        return examine(settings(database.url(), false));
    }

    private static Doctor.Settings settings(DatabaseUrl url, boolean isNew) {
        return new Doctor.Settings(url, SubmitterLogin.withoutPassword(), false, 72, List.of(), isNew);
    }

    private static List<Finding> examine(Doctor.Settings settings) {
        return new Doctor(settings).examine();
    }

    private static Finding finding(List<Finding> findings, String subject) {
        return findings.stream()
                .filter(found -> found.subject().equals(subject))
                .findFirst()
                .orElseThrow(() -> new AssertionError("nothing of " + subject + " in " + findings));
    }

    private static String text(List<Finding> findings, String subject) {
        return finding(findings, subject).text();
    }
}
