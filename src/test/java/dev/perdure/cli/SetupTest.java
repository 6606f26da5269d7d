package dev.perdure.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.engine.InProcessWorker;
import dev.perdure.testing.CertificateAuthority;
import dev.perdure.testing.DebianServer;
import dev.perdure.testing.Slow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;

/** {@code perdure setup} on a server as people have it: passwords (SCRAM), TLS with an authority of one's own. */
@Slow("a server of Debian's package for each way to set up")
class SetupTest {

    @TempDir
    private Path directory;

    private DebianServer server;
    private Path adminPassword;
    /** Everything of one test begins with it: roles belong to the whole server. */
    private String name;

    @BeforeEach
    void begin(TestInfo test) throws IOException {
        server = DebianServer.get();
        name = "setup" + Integer.toUnsignedString(test.getDisplayName().hashCode(), 36);
        adminPassword = Files.writeString(
                directory.resolve("admin"),
                server.superuser("postgres").password().orElseThrow() + "\n");
    }

    @Test
    void a_new_user_comes_from_an_empty_server_to_a_workflow() throws SQLException, IOException {
        String alice = name + "_alice";

        Call setup = setup("--create-database", "--submitter", alice);

        assertThat(setup.code()).as(setup.out() + setup.err()).isZero();
        assertThat(setup.out())
                .contains("done     database " + name)
                .contains("done     role " + alice)
                .contains("done     schema df installed")
                .contains("done     use of df for " + name + "_users")
                .containsPattern("ok +login " + alice + " +works, and finds the operators")
                .containsPattern("note +leader +no worker has led yet")
                .contains("No problem")
                .contains("' perdure\n", "  perdure sql --url '");
        try (InProcessWorker worker = InProcessWorker.start(DatabaseUrl.checked(workerUrl()))) {
            Call started = Call.of(
                    "sql",
                    "--url",
                    peoplesUrl(alice),
                    "SELECT df.start('SELECT 1' ~> 'SELECT session_user AS who') AS id");
            assertThat(started.code()).as(started.err()).isZero();
            Call awaited = Call.of(
                    "sql",
                    "--url",
                    peoplesUrl(alice),
                    "SELECT df.await_instance(instance_id), df.result(instance_id) FROM df.list_instances()");
            assertThat(awaited.out()).contains("completed").contains("\"who\": \"" + alice + "\"");
            assertThat(worker.statistics().stepsFailed()).isZero();
            Call doctor = Call.of("doctor", "--url", workerUrl());
            assertThat(doctor.code()).as(doctor.out()).isZero();
            assertThat(doctor.out()).containsPattern("ok +leader +a worker leads since .*, from ");
        }
    }

    @Test
    void the_lines_to_copy_begin_with_the_name_by_which_the_script_was_called() {
        System.setProperty("app.name", "./perdure");
        try {
            assertThat(setup("--create-database", "--submitter", name + "_alice")
                            .out())
                    .contains("' ./perdure\n", "  ./perdure sql --url '");
        } finally {
            System.clearProperty("app.name");
        }
    }

    @Test
    void passwords_are_in_the_password_file_and_nowhere_else() throws SQLException, IOException {
        String alice = name + "_alice";

        Call setup = setup("--create-database", "--submitter", alice);

        List<String> lines = Files.readAllLines(passfile());
        assertThat(lines).hasSize(2);
        assertThat(Files.getPosixFilePermissions(passfile())).isEqualTo(PosixFilePermissions.fromString("rw-------"));
        for (String line : lines) {
            String password = line.substring(line.lastIndexOf(':') + 1);
            assertThat(password).hasSizeGreaterThan(24);
            assertThat(setup.out() + setup.err()).doesNotContain(password);
        }
        assertThat(asSuperuser("SELECT string_agg(left(rolpassword, 14), ',') FROM pg_authid WHERE rolname IN ('"
                        + alice + "', '" + name + "_worker')"))
                .isEqualTo("SCRAM-SHA-256$,SCRAM-SHA-256$");
    }

    @Test
    void a_password_file_that_cannot_be_written_is_named_and_nothing_is_created() throws SQLException, IOException {
        Path nowhere = Files.writeString(directory.resolve("file"), "").resolve("pgpass");

        Call setup = setup("--create-database", "--submitter", name + "_alice", "--password-file", nowhere.toString());

        assertThat(setup.code()).isEqualTo(1);
        assertThat(setup.err())
                .startsWith(
                        "ERROR:  The password file " + nowhere + ", where the worker finds new passwords, cannot be")
                .contains("--password-file")
                .doesNotContain("java.");
        assertThat(asSuperuser("SELECT count(*) FROM pg_roles WHERE rolname LIKE '" + name + "%'"))
                .isEqualTo("0");
        // Nothing is in the way of the next try.
        assertThat(setup("--create-database", "--submitter", name + "_alice").code())
                .isZero();
    }

    @Test
    void run_again_it_changes_nothing_and_says_so() throws SQLException, IOException {
        setup("--create-database", "--submitter", name + "_alice");
        String before = Files.readString(passfile());

        Call again = setup("--create-database", "--submitter", name + "_alice");

        assertThat(again.code()).as(again.out() + again.err()).isZero();
        assertThat(again.out()).contains("there    role " + name + "_alice").doesNotContain("done ");
        assertThat(Files.readString(passfile())).isEqualTo(before);
    }

    @Test
    void names_with_every_sign_are_names_and_nothing_else() throws SQLException, IOException {
        String odd = name + " O'Brien \"x\" \\ %I ; DROP ROLE ö --";

        Call setup = setup("--create-database", "--submitter", odd);

        assertThat(setup.code()).as(setup.out() + setup.err()).isZero();
        assertThat(asSuperuser("SELECT count(*) FROM pg_roles WHERE rolname LIKE '" + name + " O''Brien%'"))
                .isEqualTo("1");
        assertThat(setup.out()).contains("login " + odd);
    }

    @Test
    void a_role_that_has_a_password_keeps_it_and_the_worker_is_told_it() throws SQLException, IOException {
        String alice = name + "_alice";
        server.asSuperuser("postgres", "CREATE ROLE " + alice + " LOGIN PASSWORD 'her own'");

        Call unknown = setup("--create-database", "--submitter", alice);
        assertThat(unknown.code()).isEqualTo(1);
        assertThat(unknown.out())
                .containsPattern("problem +login " + alice + " +The server requested SCRAM-based authentication")
                .contains("1 problem")
                .contains("pg_hba.conf");

        Path hers = Files.writeString(directory.resolve("hers"), "another, one:\n");
        Call told = setup("--submitter", alice, "--password-of", alice + "=" + hers);
        assertThat(told.code()).as(told.out() + told.err()).isZero();
        server.url(alice, "another, one:", name).connect().close();
        assertThat(told.out() + told.err()).doesNotContain("another, one:");
    }

    @Test
    void what_it_prints_does_the_same_when_somebody_runs_it() throws SQLException, IOException {
        String alice = name + "_alice";
        server.asSuperuser("postgres", "CREATE DATABASE " + name);

        Call printed = command("--submitter", alice, "--worker-address", "10.0.7.21/32");
        assertThat(printed.code()).as(printed.err()).isZero();
        assertThat(printed.out())
                .contains("hostssl  " + name + "  " + name + "_worker,+" + name + "_users  10.0.7.21/32  scram-sha-256")
                .contains("SELECT df.grant_usage('" + name + "_users');");
        assertThat(asSuperuser("SELECT count(*) FROM pg_roles WHERE rolname LIKE '" + name + "%'"))
                .isEqualTo("0");

        String statements = printed.out().substring(0, printed.out().indexOf("-- Then start a worker"));
        server.asSuperuser(name, statements);
        Call needed = setup("--submitter", alice, "--print");
        assertThat(needed.out()).contains("-- nothing, all of it is there");
        assertThat(setup("--submitter", alice).code()).isZero();
    }

    @Test
    void a_map_without_groups_has_a_line_for_each_who_is_in_the_group() throws IOException {
        setup("--create-database", "--submitter", name + "_alice");
        CertificateAuthority authority = new CertificateAuthority(directory, "own");
        CertificateAuthority.Issued certificate = authority.issue("worker", name + "_worker");

        Call printed = Call.of(
                "setup",
                "--print",
                "--admin",
                server.superuser(name).withUser("postgres", null).toUri(),
                "--admin-password",
                adminPassword.toString(),
                "--group",
                name + "_users",
                "--submitter",
                name + "_bob",
                "--url",
                workerUrl() + "&sslcert=" + certificate.certificate() + "&sslkey=" + certificate.key());

        assertThat(printed.out())
                .contains("127.0.0.1/32  cert map=perdure")
                .contains("perdure  " + name + "_worker  " + name + "_alice")
                .contains("perdure  " + name + "_worker  " + name + "_bob");
    }

    @Test
    void a_failure_leaves_nothing_half_done() throws SQLException, IOException {
        server.asSuperuser(
                "postgres", "CREATE DATABASE " + name + " TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'");

        Call refused = setup("--submitter", name + "_alice");

        assertThat(refused.code()).isEqualTo(1);
        assertThat(refused.err()).contains("has the encoding SQL_ASCII").contains("Nothing was changed");
        assertThat(asSuperuser("SELECT count(*) FROM pg_roles WHERE rolname LIKE '" + name + "%'"))
                .isEqualTo("0");
    }

    @Test
    void a_password_on_the_command_line_is_refused() {
        Call refused = Call.of("setup", "--url", "postgresql://df_worker:s3cret@localhost/app");

        assertThat(refused.code()).isEqualTo(2);
        assertThat(refused.err())
                .contains("can be read by everybody on this machine")
                .doesNotContain("s3cret");
    }

    private Call setup(String... more) {
        List<String> arguments = new ArrayList<>(List.of(
                "--admin",
                server.superuser(name).withUser("postgres", null).toUri(),
                "--admin-password",
                adminPassword.toString()));
        arguments.addAll(List.of(more));
        return command(arguments.toArray(String[]::new));
    }

    private Call command(String... more) {
        List<String> arguments = new ArrayList<>(List.of("setup", "--url", workerUrl(), "--group", name + "_users"));
        arguments.addAll(List.of(more));
        return Call.of(arguments.toArray(String[]::new));
    }

    private Path passfile() {
        return directory.resolve("pgpass");
    }

    private String workerUrl() {
        return peoplesUrl(name + "_worker");
    }

    private String peoplesUrl(String role) {
        return server.url(role, null, name).toUri() + "&passfile=" + passfile();
    }

    private String asSuperuser(String sql) throws SQLException {
        try (Connection session = server.superuser("postgres").connect();
                Statement statement = session.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }
}
