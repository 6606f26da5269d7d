package dev.perdure.backup;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.engine.InProcessWorker;
import dev.perdure.engine.Submitter;
import dev.perdure.leader.LeaderStatus.Role;
import dev.perdure.schema.Migration;
import dev.perdure.testing.DebianServer;
import dev.perdure.testing.DebianServer.Said;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.Slow;
import dev.perdure.testing.TestDatabase;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * docs/backup.md, with the programs of Debian's package. A workflow that waits is dumped; where it is restored it goes on, once
 * somebody has confirmed that it shall.
 */
@Slow("two servers of Debian's package for each test, dump and restore, 50,000 transactions so that they differ")
class BackupTest {

    private static final AtomicInteger NUMBER = new AtomicInteger();

    @TempDir
    private Path directory;

    private DebianServer server;
    private String source;
    private String alice;
    private String waiting;
    private String copy;

    @BeforeEach
    void begin() throws SQLException {
        server = DebianServer.get();
        int number = NUMBER.incrementAndGet();
        alice = "backup_alice" + number;
        copy = "backup_copy" + number;
        source = server.newDatabase();
        server.createUser(alice, source);
        try (InProcessWorker worker = worker(source);
                Submitter app = submitter(source)) {
            assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");
            waiting = app.start("'SELECT 1' ~> df.wait_for_signal('go') ~> 'SELECT 42 AS answer'");
            app.awaitValue(
                    "completed", "SELECT status FROM df.nodes WHERE instance_id = ? AND query = 'SELECT 1'", waiting);
            assertThat(worker.statistics().stepsFailed()).isZero();
        }
        server.asSuperuser("postgres", "CREATE DATABASE " + copy + " TEMPLATE template0 ENCODING 'UTF8'");
        server.asSuperuser("postgres", "GRANT CREATE ON DATABASE " + copy + " TO df_worker");
        server.asSuperuser(copy, "GRANT CREATE ON SCHEMA public TO df_worker");
    }

    @AfterEach
    void end() {
        server.asSuperuser("postgres", "DROP DATABASE IF EXISTS " + copy + " WITH (FORCE)");
    }

    @ParameterizedTest
    @ValueSource(strings = {"custom", "directory -j4", "plain"})
    void a_dump_of_the_database_goes_on_where_it_is_restored_when_somebody_confirms_it(String form)
            throws SQLException {
        DatabaseUrl superuser = server.superuser(source);
        Path dump = directory.resolve("dump");
        switch (form) {
            case "custom" -> {
                succeed("pg_dump", superuser, "-Fc", "-f", dump.toString());
                succeed("pg_restore", server.superuser(copy), "--exit-on-error", "-d", copy, dump.toString());
            }
            case "plain" -> {
                succeed("pg_dump", superuser, "-f", dump.toString());
                succeed("psql", server.superuser(copy), "-q", "-v", "ON_ERROR_STOP=1", "-f", dump.toString());
            }
            default -> {
                succeed("pg_dump", superuser, "-Fd", "-j4", "-f", dump.toString());
                succeed("pg_restore", server.superuser(copy), "--exit-on-error", "-j4", "-d", copy, dump.toString());
            }
        }

        goesOnWhenConfirmed(copy, server.worker(copy));
    }

    @Test
    void a_dump_goes_on_on_a_newer_server() throws SQLException {
        TestDatabase newer = PostgresServer.get().newEmptyDatabase();
        PostgresServer.get().createRole(alice);
        Path dump = directory.resolve("dump");
        succeed("pg_dump", server.superuser(source), "-f", dump.toString());
        succeed(
                "psql",
                server.superuser(source),
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-f",
                dump.toString(),
                "host=" + PostgresServer.get().host() + " port="
                        + PostgresServer.get().port() + " user=postgres dbname=" + newer.name() + " sslmode=disable");
        Migration.migrate(newer.url());
        newer.execute(PostgresServer.OWNER, "UPDATE df._epoch SET system_identifier = NULL");

        try (InProcessWorker worker = InProcessWorker.start(newer);
                Submitter app = Submitter.at(newer.url(alice))) {
            assertThat(worker.leaderStatus().epoch()).isPositive();
            app.open(waiting);
            assertThat(app.await(waiting).status()).isEqualTo("completed");
        }
    }

    @Test
    void a_role_that_is_missing_is_named_and_all_of_it_is_restored_once_it_is_there() throws SQLException {
        Path dump = directory.resolve("dump");
        succeed("pg_dump", server.superuser(source), "-Fc", "-f", dump.toString());
        server.asSuperuser("postgres", "DROP DATABASE " + source + " WITH (FORCE)");
        server.asSuperuser("postgres", "DROP ROLE " + alice);

        Said without =
                server.call("pg_restore", server.superuser(copy), "--single-transaction", "-d", copy, dump.toString());
        assertThat(without.status()).isNotZero();
        assertThat(without.text()).contains("role \"" + alice + "\" does not exist");

        server.asSuperuser(
                "postgres", "CREATE ROLE " + alice + " LOGIN PASSWORD '" + DebianServer.password(alice) + "'");
        succeed("pg_restore", server.superuser(copy), "--single-transaction", "-d", copy, dump.toString());
        goesOnWhenConfirmed(copy, server.worker(copy));
    }

    @Test
    void another_owner_takes_it_over() throws SQLException {
        String other = copy + "_owner";
        server.asSuperuser(
                "postgres", "CREATE ROLE " + other + " LOGIN PASSWORD '" + DebianServer.password(other) + "'");
        server.asSuperuser("postgres", "GRANT CREATE ON DATABASE " + copy + " TO " + other);
        server.asSuperuser(copy, "GRANT CREATE ON SCHEMA public TO " + other);
        Path dump = directory.resolve("dump");
        succeed("pg_dump", server.superuser(source), "-Fc", "--no-owner", "-f", dump.toString());
        succeed(
                "pg_restore",
                server.superuser(copy),
                "--exit-on-error",
                "--no-owner",
                "--role=" + other,
                "-d",
                copy,
                dump.toString());

        goesOnWhenConfirmed(copy, server.url(other, DebianServer.password(other), copy));
    }

    @Test
    void another_owner_is_given_what_the_former_one_had() throws SQLException {
        String other = copy + "_heir";
        Path dump = directory.resolve("dump");
        succeed("pg_dump", server.superuser(source), "-Fc", "-f", dump.toString());
        succeed("pg_restore", server.superuser(copy), "--exit-on-error", "-d", copy, dump.toString());
        server.asSuperuser(
                "postgres", "CREATE ROLE " + other + " LOGIN PASSWORD '" + DebianServer.password(other) + "'");

        server.asSuperuser(copy, "REASSIGN OWNED BY df_worker TO " + other);
        server.asSuperuser(copy, "GRANT CREATE ON DATABASE " + copy + " TO " + other);
        server.asSuperuser(copy, "GRANT USAGE, CREATE ON SCHEMA public TO " + other);

        goesOnWhenConfirmed(copy, server.url(other, DebianServer.password(other), copy));
    }

    @Test
    void rows_that_are_restored_into_a_schema_that_is_there_are_noticed() throws SQLException {
        install();
        Path dump = directory.resolve("dump");
        succeed("pg_dump", server.superuser(source), "-Fc", "--data-only", "-n", "df", "-f", dump.toString());
        // Rows that both have, such as those of the settings, are refused and reported.
        Said restored =
                server.call("pg_restore", server.superuser(copy), "--disable-triggers", "-d", copy, dump.toString());
        assertThat(restored.text()).contains("duplicate key");

        goesOnWhenConfirmed(copy, server.worker(copy));
    }

    @Test
    void rows_that_are_restored_while_a_worker_leads_end_its_term() throws SQLException {
        install();
        try (InProcessWorker worker = worker(copy)) {
            Path dump = directory.resolve("dump");
            succeed("pg_dump", server.superuser(source), "-Fc", "--data-only", "-n", "df", "-f", dump.toString());
            server.call("pg_restore", server.superuser(copy), "--disable-triggers", "-d", copy, dump.toString());

            worker.awaitRole(Role.REFUSED);
        }
    }

    @Test
    @SuppressWarnings("try") // One of them ends before the other.
    void a_standby_that_was_there_before_goes_on_as_any_other_when_somebody_confirms_it() throws SQLException {
        install();
        try (InProcessWorker leader = worker(copy);
                InProcessWorker standby = InProcessWorker.candidate(server.worker(copy), passwords());
                Submitter owner = Submitter.at(server.worker(copy))) {
            standby.awaitRole(Role.STANDBY);
            Path dump = directory.resolve("dump");
            succeed("pg_dump", server.superuser(source), "-Fc", "--data-only", "-n", "df", "-f", dump.toString());
            server.call("pg_restore", server.superuser(copy), "--disable-triggers", "-d", copy, dump.toString());
            leader.awaitRole(Role.REFUSED);
            standby.awaitRole(Role.REFUSED);
            leader.close();

            owner.execute("UPDATE df._epoch SET system_identifier = NULL");
            standby.awaitRole(Role.LEADER);

            // As the server and database that these rows belong to from now on.
            assertThat(
                            owner.value(
                                    "SELECT (SELECT system_identifier IS NOT NULL FROM df._epoch) AND EXISTS (SELECT FROM df._origins)"))
                    .isEqualTo("t");
        }
    }

    @Test
    void the_schema_df_alone_gets_its_operators_back() throws SQLException {
        Path dump = directory.resolve("dump");
        succeed("pg_dump", server.worker(source), "-Fc", "-n", "df", "-f", dump.toString());
        succeed("pg_restore", server.worker(copy), "--exit-on-error", "-d", copy, dump.toString());

        goesOnWhenConfirmed(copy, server.worker(copy));
        try (InProcessWorker worker = worker(copy);
                Submitter app = submitter(copy)) {
            assertThat(app.run("('SELECT 1' & 'SELECT 2') ~> 'SELECT 3'").status())
                    .isEqualTo("completed");
            assertThat(worker.statistics().stepsFailed()).isZero();
        }
    }

    @Test
    void the_roles_of_the_page_can_make_dumps() throws SQLException {
        String backup = copy + "_role";
        String owner = copy + "_database_owner";
        server.asSuperuser(
                "postgres",
                "CREATE ROLE " + backup + " LOGIN BYPASSRLS PASSWORD '" + DebianServer.password(backup) + "'");
        server.asSuperuser("postgres", "GRANT pg_read_all_data TO " + backup);
        server.asSuperuser(
                "postgres", "CREATE ROLE " + owner + " LOGIN PASSWORD '" + DebianServer.password(owner) + "'");
        server.asSuperuser("postgres", "ALTER DATABASE " + source + " OWNER TO " + owner);
        DatabaseUrl byOwner = server.url(owner, DebianServer.password(owner), source);
        Path whole = directory.resolve("whole");
        Path others = directory.resolve("others");
        Path ours = directory.resolve("ours");

        assertThat(server.call("pg_dump", byOwner, "-Fc", "-f", whole.toString())
                        .text())
                .contains("permission denied for schema df");
        succeed("pg_dump", server.url(backup, DebianServer.password(backup), source), "-Fc", "-f", whole.toString());
        succeed("pg_dump", byOwner, "-Fc", "-N", "df", "-f", others.toString());
        succeed("pg_dump", server.worker(source), "-Fc", "-n", "df", "-f", ours.toString());

        succeed("pg_restore", server.superuser(copy), "--exit-on-error", "-d", copy, ours.toString());
        succeed("pg_restore", server.superuser(copy), "--exit-on-error", "-d", copy, others.toString());
        goesOnWhenConfirmed(copy, server.worker(copy));
    }

    private void install() {
        Migration.migrate(server.worker(copy));
        DebianServer.execute(server.worker(copy), "SELECT df.grant_usage('" + alice + "')");
    }

    /** The worker sees that this is a copy, waits for somebody, and then goes on with what the source has begun. */
    private void goesOnWhenConfirmed(String database, DatabaseUrl owner) throws SQLException {
        Migration.migrate(owner);
        try (InProcessWorker worker = InProcessWorker.candidate(owner, passwords())) {
            worker.awaitRole(Role.REFUSED);
            assertThat(worker.leaderStatus().detail()).contains("UPDATE df._epoch SET system_identifier = NULL");
            DebianServer.execute(owner, "UPDATE df._epoch SET system_identifier = NULL");
            worker.awaitRole(Role.LEADER);
            try (Submitter app = submitter(database)) {
                app.open(waiting);
                assertThat(app.await(waiting).status()).isEqualTo("completed");
                assertThat(app.result(waiting).at("/rows/0/answer").asInt()).isEqualTo(42);
                assertThat(app.value("SELECT count(*) FROM df.list_instances('completed')"))
                        .isEqualTo("2");
            }
            assertThat(worker.statistics().stepsFailed()).isZero();
        }
    }

    private void succeed(String program, DatabaseUrl as, String... arguments) {
        Said said = server.call(program, as, arguments);
        assertThat(said.status())
                .as(program + " " + List.of(arguments) + ": " + said.text())
                .isZero();
    }

    private InProcessWorker worker(String database) {
        return InProcessWorker.start(server.worker(database), passwords());
    }

    private Map<String, String> passwords() {
        return Map.of("perdure.login.passwords." + alice, DebianServer.password(alice));
    }

    private Submitter submitter(String database) throws SQLException {
        return Submitter.at(server.url(alice, DebianServer.password(alice), database));
    }
}
