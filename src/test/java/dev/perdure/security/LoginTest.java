package dev.perdure.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.engine.InProcessWorker;
import dev.perdure.engine.Submitter;
import dev.perdure.session.PasswordFiles;
import dev.perdure.setup.Access;
import dev.perdure.setup.AccessLines;
import dev.perdure.setup.AccessMethod;
import dev.perdure.setup.Plan;
import dev.perdure.testing.CertificateAuthority;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The ways of logging in, on a server that has exactly the lines of docs/security.md: migration, election and the step of
 * a submitter go through them.
 */
class LoginTest {

    private static final String WHO = "'SELECT session_user || '' '' || coalesce(host(inet_client_addr()), ''socket'')"
            + " || '' '' || ssl AS who FROM pg_stat_ssl WHERE pid = pg_backend_pid()'";

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static Path directory;
    private static GuardedServer server;

    @BeforeAll
    static void begin() throws IOException, SQLException {
        directory = Files.createTempDirectory("pd");
        server = new GuardedServer(directory);
    }

    @AfterAll
    static void end() throws IOException {
        server.close();
        try (var files = Files.walk(directory)) {
            files.sorted(java.util.Comparator.reverseOrder())
                    .forEach(file -> file.toFile().delete());
        }
    }

    @Test
    void by_a_client_certificate_over_verified_tls() throws IOException, SQLException {
        server.guard(DocumentedLines.of("pg_hba certificate"), server.ident("certificate"));
        DatabaseUrl url = server.certificate();
        server.install(url);

        try (InProcessWorker worker = InProcessWorker.start(url);
                Submitter app = server.submitter(url.withUser("app", null))) {
            assertThat(app.run(WHO).output()).contains("app 127.0.0.1 true");
            assertThat(worker.statistics().stepsFailed()).isZero();
        }
        server.asSuperuser("app", "CREATE ROLE outsider LOGIN");
        assertThatThrownBy(() -> url.withUser("outsider", null).connect()).hasMessageContaining("no pg_hba.conf entry");
        assertThatThrownBy(() -> server.tls("localhost").connect()).hasMessageContaining("certificate");
    }

    @Test
    void by_peer_over_a_unix_socket() throws IOException, SQLException {
        String user = server.operatingSystemUser();
        // The one thing that differs from machine to machine: who runs the worker.
        String ident = server.ident("peer").replace("perdure  perdure ", "perdure  " + user + " ");
        server.guard(DocumentedLines.of("pg_hba peer"), ident);
        DatabaseUrl url = server.socket();
        server.install(url);

        try (InProcessWorker worker = InProcessWorker.start(url);
                Submitter app = server.submitter(url.withUser("app", null))) {
            assertThat(app.run(WHO).output()).contains("app socket false");
            // An interruption goes through the socket too.
            String endless = app.start("'SELECT pg_sleep(600)'");
            app.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ?", endless);
            app.value("SELECT df.cancel(?)", endless);
            assertThat(app.await(endless).status()).isEqualTo("cancelled");
            app.awaitValue(
                    "0",
                    "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep.600' AND state = 'active'");
            assertThat(worker.statistics().stepsFailed()).isZero();
        }
        server.guard(DocumentedLines.of("pg_hba peer"), "perdure nobody_else df_worker\n");
        Awaitility.await("the map is read again").atMost(PATIENCE).untilAsserted(() -> assertThatThrownBy(
                        () -> url.withUser("app", null).connect())
                .hasMessageContaining("Peer authentication failed"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"certificate", "passwords", "trust"})
    void the_lines_of_the_worker_leave_people_their_own_way_of_logging_in(String way) throws IOException, SQLException {
        server.guard(DocumentedLines.of("pg_hba " + way), way.equals("certificate") ? server.ident("certificate") : "");
        DatabaseUrl app = server.tls("localhost").withUser("app", "app!");

        app.connect(Map.of("localSocketAddress", "127.0.0.7")).close();

        assertThatThrownBy(() -> app.withUser("app", "wrong").connect(Map.of("localSocketAddress", "127.0.0.7")))
                .hasMessageContaining("password authentication failed");
    }

    @Test
    void the_map_of_peer_lets_people_in_as_who_they_are() throws IOException, SQLException {
        String user = server.operatingSystemUser();
        server.asSuperuser(
                "postgres",
                "DO $$ BEGIN CREATE ROLE " + GuardedServer.quoted(user)
                        + " LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
                "GRANT df_users TO " + GuardedServer.quoted(user));
        // The worker's user is somebody else here, so that only the last line can let this process in.
        server.guard(DocumentedLines.of("pg_hba peer"), server.ident("peer"));

        server.socket().withUser(user, null).connect().close();

        assertThatThrownBy(() -> server.socket().withUser("app", null).connect())
                .hasMessageContaining("Peer authentication failed");
    }

    @ParameterizedTest
    @CsvSource({"certificate,CERTIFICATE", "passwords,PASSWORD", "peer,PEER", "trust,TRUST"})
    void the_lines_of_setup_are_those_of_the_page(String way, AccessMethod method) {
        boolean trust = method == AccessMethod.TRUST;
        Access access = new Access(
                method,
                trust ? "127.0.0.1/32" : "10.0.7.21/32",
                method == AccessMethod.PEER,
                !trust,
                method == AccessMethod.PEER ? "perdure" : "df_worker");
        Plan plan = new Plan("app", "df_worker", "df_users", List.of("app"), access);

        assertThat(words(AccessLines.of(plan, 18).hba())).isEqualTo(words(lines("pg_hba " + way)));
        if (method == AccessMethod.CERTIFICATE || method == AccessMethod.PEER) {
            for (String version : List.of("14", "16")) {
                assertThat(words(AccessLines.of(plan, Integer.parseInt(version)).ident()))
                        .isEqualTo(words(lines("pg_ident " + way + " " + version)));
            }
        }
    }

    private static List<String> lines(String block) {
        return DocumentedLines.of(block)
                .lines()
                .filter(line -> !line.startsWith("#"))
                .toList();
    }

    private static List<List<String>> words(List<String> lines) {
        return lines.stream().map(line -> List.of(line.strip().split("\\s+"))).toList();
    }

    @Test
    void by_trust_on_the_loopback_address() throws IOException, SQLException {
        server.guard(DocumentedLines.of("pg_hba trust"), "");
        DatabaseUrl url = server.tcp();
        server.install(url);

        try (InProcessWorker worker = InProcessWorker.start(url);
                Submitter app = server.submitter(url.withUser("app", null))) {
            assertThat(app.run(WHO).output()).contains("app 127.0.0.1");
            assertThat(worker.statistics().stepsFailed()).isZero();
        }
    }

    @Test
    void by_passwords_in_files_which_are_read_again() throws IOException, SQLException {
        server.guard(DocumentedLines.of("pg_hba passwords"), "");
        DatabaseUrl url = server.tls("localhost").withUser("df_worker", "worker's own");
        String odd = "Odd \"role\" 'ö'; --";
        server.createSubmitter(odd);
        server.install(url);
        Path passwords = Files.createTempDirectory(directory, "passwords");
        Files.writeString(passwords.resolve("app"), "app!\n");
        Files.writeString(passwords.resolve("Odd.20.22role.22.20.27.c3.b6.27.3b.20--"), odd + "!");

        try (InProcessWorker worker = InProcessWorker.start(
                        url,
                        Map.of(
                                "perdure.login.passwords-directory",
                                passwords.toString(),
                                "perdure.step.session-max-age",
                                "1ms"));
                Submitter app = server.submitter(url.withUser("app", "app!"));
                Submitter odds = server.submitter(url.withUser(odd, odd + "!"))) {
            assertThat(app.run(WHO).output()).contains("app 127.0.0.1 true");
            assertThat(odds.run(WHO).output()).contains("Odd \\\"role\\\" 'ö'; -- 127.0.0.1 true");

            server.asSuperuser("app", "ALTER ROLE app PASSWORD 'another'");
            Files.writeString(passwords.resolve("app"), "another\n");
            assertThat(app.run(WHO).output()).contains("app 127.0.0.1 true");
            assertThat(worker.statistics().stepsFailed()).isZero();

            server.asSuperuser("app", "ALTER ROLE app VALID UNTIL '2020-01-01'");
            assertThatThrownBy(() -> app.start("'SELECT 1'")).hasMessageContaining("its password was VALID UNTIL");
        } finally {
            server.asSuperuser("app", "ALTER ROLE app PASSWORD 'app!' VALID UNTIL 'infinity'");
        }
    }

    @Test
    void a_role_whose_password_is_wrong_is_refused_by_df_start_and_its_steps_wait_until_it_is_right()
            throws IOException, SQLException {
        server.guard(DocumentedLines.of("pg_hba passwords"), "");
        DatabaseUrl url = server.tls("localhost").withUser("df_worker", "worker's own");
        server.install(url);
        Path passwords = Files.createTempDirectory(directory, "passwords");
        Files.writeString(passwords.resolve("app"), "mistyped-secret");

        try (InProcessWorker worker =
                        InProcessWorker.start(url, Map.of("perdure.login.passwords-directory", passwords.toString()));
                Submitter app = server.submitter(url.withUser("app", "app!"))) {
            String first = app.start("'SELECT 1'");
            Awaitility.await("df.start refuses").atMost(PATIENCE).untilAsserted(() -> assertThatThrownBy(
                            () -> app.start("'SELECT 1'"))
                    .hasMessageContaining("The worker cannot log in as current_user \"app\"")
                    .hasMessageContaining("password authentication failed")
                    .hasMessageNotContaining("mistyped"));

            Files.delete(passwords.resolve("app"));
            Files.writeString(passwords.resolve("app"), "app!");
            Awaitility.await("df.start accepts")
                    .atMost(PATIENCE)
                    .ignoreExceptionsInstanceOf(SQLException.class)
                    .until(() -> app.run("'SELECT 1'").status().equals("completed"));
            assertThat(app.await(first).status()).isEqualTo("completed");
            assertThat(worker.statistics().stepsFailed()).isZero();
        }
    }

    @Test
    void by_a_configured_password_and_by_a_password_file_of_libpq() throws IOException, SQLException {
        server.guard(DocumentedLines.of("pg_hba passwords"), "");
        server.createSubmitter("etl.eu");
        Path pgpass = Files.writeString(
                directory.resolve("pgpass"), "*:*:app:df_worker:worker's own\n*:*:app:etl.eu:etl.eu!\n");
        Files.setPosixFilePermissions(pgpass, java.nio.file.attribute.PosixFilePermissions.fromString("rw-------"));
        DatabaseUrl url = server.tls("localhost").withParameter("passfile", pgpass.toString());
        server.install(url);

        try (InProcessWorker worker = InProcessWorker.start(url, Map.of("perdure.login.passwords.app", "app!"));
                Submitter app = server.submitter(url.withUser("app", "app!"));
                Submitter etl = server.submitter(url.withUser("etl.eu", null))) {
            assertThat(app.run(WHO).output()).contains("app 127.0.0.1 true");
            assertThat(etl.run(WHO).output()).contains("etl.eu 127.0.0.1 true");
            assertThat(worker.statistics().stepsFailed()).isZero();
        }
    }

    @Test
    void a_server_with_a_wrong_certificate_is_refused_and_the_reason_is_clear() throws SQLException {
        assertThatThrownBy(() -> server.tls("127.0.0.1").connect())
                .hasMessageContaining("127.0.0.1")
                .hasMessageContaining("could not be verified");

        Path other = new CertificateAuthority(directory, "another").certificate();
        DatabaseUrl distrusting = server.tls("localhost").withParameter("sslrootcert", other.toString());
        assertThatThrownBy(distrusting::connect)
                .hasMessageContaining("certificate of the server is not signed by an authority of sslrootcert");
    }

    @Test
    void a_socket_where_nobody_listens_is_named() {
        DatabaseUrl nobody = DatabaseUrl.checked("postgresql://u@/d?host=" + directory + "/nothing");

        assertThatThrownBy(nobody::connect)
                .hasMessageContaining(
                        "No PostgreSQL answers at the unix socket " + directory + "/nothing/.s.PGSQL.5432")
                .hasMessageContaining("no such file");
    }

    @Test
    void the_name_of_a_password_file_is_allowed_in_a_kubernetes_secret_and_no_two_roles_share_it() {
        String longest = "ö".repeat(31) + "x";
        assertThat(PasswordFiles.fileName("app")).isEqualTo("app");
        assertThat(PasswordFiles.fileName("Odd role")).isEqualTo("Odd.20role");
        assertThat(PasswordFiles.fileName("etl.eu")).isEqualTo("etl.2eeu");
        assertThat(PasswordFiles.fileName("zoë")).isEqualTo("zo.c3.ab");
        assertThat(PasswordFiles.fileName("../etc/passwd")).isEqualTo(".2e.2e.2fetc.2fpasswd");
        assertThat(PasswordFiles.fileName(longest))
                .hasSizeLessThanOrEqualTo(253)
                .matches("[-._a-zA-Z0-9]+");
    }
}
