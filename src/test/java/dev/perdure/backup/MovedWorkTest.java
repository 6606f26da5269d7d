package dev.perdure.backup;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.engine.InProcessWorker;
import dev.perdure.engine.Submitter;
import dev.perdure.leader.LeaderStatus.Role;
import dev.perdure.schema.Migration;
import dev.perdure.testing.DebianServer;
import dev.perdure.testing.DebianServer.Said;
import dev.perdure.testing.Slow;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Work of every kind is dumped on one server and restored on another, which has counted transactions and roles from elsewhere: it is
 * found there as if it had been started there.
 */
@Slow("servers of Debian's package, dump and restore")
class MovedWorkTest {

    private static final String APP = "moved_app";
    private static final String OTHER = "moved_other";
    private static final Duration SECONDS = Duration.ofSeconds(20);

    enum Target {
        HAS_COUNTED_FEWER,
        HAS_COUNTED_MORE
    }

    @TempDir
    private Path directory;

    private DebianServer source;
    private DebianServer target;
    private String from;
    private String to;

    @BeforeEach
    void begin() {
        source = DebianServer.own(Map.of());
        target = DebianServer.own(Map.of());
        from = source.newDatabase();
        source.createUser(APP, from);
        source.createUser(OTHER, from);
        to = "moved";
        // The OIDs of the two are exchanged there.
        for (String role : List.of(OTHER, APP)) {
            target.asSuperuser(
                    "postgres", "CREATE ROLE " + role + " LOGIN PASSWORD '" + DebianServer.password(role) + "'");
        }
        target.asSuperuser("postgres", "CREATE DATABASE " + to + " TEMPLATE template0 ENCODING 'UTF8'");
        target.asSuperuser("postgres", "GRANT CREATE ON DATABASE " + to + " TO df_worker");
        target.asSuperuser(to, "GRANT CREATE ON SCHEMA public TO df_worker");
    }

    @AfterEach
    void end() {
        target.close();
        source.close();
    }

    @ParameterizedTest
    @EnumSource
    void each_instance_goes_on_within_seconds_and_nothing_is_named_twice(Target counts) throws SQLException {
        count(counts == Target.HAS_COUNTED_FEWER ? source.superuser(from) : target.superuser(to));
        String due;
        String timer;
        String signalled;
        String buffered;
        String cancelled;
        String map;
        List<String> pending = new ArrayList<>();
        source.asSuperuser(from, "CREATE TABLE public.done (item int, half int)");
        source.asSuperuser(from, "GRANT SELECT, INSERT ON public.done TO " + APP);
        try (Submitter app = submitter(source, from)) {
            try (InProcessWorker worker = InProcessWorker.start(source.worker(from), passwords())) {
                map = app.start(
                        "df.map('SELECT g FROM generate_series(1, 12) AS g', 'INSERT INTO done VALUES ({sys_ordinal}, 1)'"
                                + " ~> df.sleep(1) ~> 'INSERT INTO done VALUES ({sys_ordinal}, 2)', max_concurrent => 3)");
                app.awaitValue("t", "SELECT count(*) > 4 FROM done");
                due = app.start("'SELECT 1' ~> df.sleep(1) ~> 'SELECT 2'");
                timer = app.start("'SELECT 1' ~> df.sleep(12) ~> 'SELECT 2'");
                signalled = app.start("'SELECT 1' ~> df.wait_for_signal('go') ~> 'SELECT 2'");
                buffered = app.start("'SELECT 1' ~> df.wait_for_signal('go') ~> df.wait_for_signal('later')");
                cancelled = app.start("'SELECT 1' ~> df.wait_for_signal('go')");
                for (String id : List.of(due, timer, signalled, buffered, cancelled)) {
                    app.awaitValue(
                            "completed",
                            "SELECT status FROM df.nodes WHERE instance_id = ? AND query = 'SELECT 1'",
                            id);
                }
                assertThat(worker.statistics().stepsFailed()).isZero();
            }
            assertThat(app.value("SELECT status FROM df.instances WHERE id = ?", map))
                    .isEqualTo("running");
            for (int i = 0; i < 3; i++) {
                pending.add(app.start("'SELECT 1' ~> 'SELECT 2'"));
            }
            app.open(signalled);
            app.value("SELECT df.signal(?, 'later')", buffered);
            app.value("SELECT df.cancel(?)", cancelled);
            app.awaitValue("t", "SELECT created_at < now() - interval '2 s' FROM df.instances WHERE id = ?", due);
        }
        move();

        try (InProcessWorker worker = confirmed();
                Submitter app = submitter(target, to);
                Submitter owner = Submitter.at(target.worker(to))) {
            for (String id : pending) {
                completes(app, id);
            }
            completes(app, due);
            completes(app, timer);
            completes(app, signalled);
            completes(app, map);
            assertThat(app.rows("SELECT count(*), count(DISTINCT (item, half)) FROM done"))
                    .containsExactly(List.of("24", "24"));
            Awaitility.await("cancelled")
                    .atMost(SECONDS)
                    .until(
                            () -> app.value(
                                    "SELECT output IS NOT NULL AND status = 'cancelled' FROM df.instances WHERE id = ?",
                                    cancelled),
                            "t"::equals);
            // A signal that nobody waits for yet.
            assertThat(news(owner)).containsExactly("snapshot");
            app.open(buffered);
            completes(app, buffered);
            assertThat(news(owner)).containsExactly("snapshot");
            assertThat(worker.statistics().stepsFailed()).isZero();
        }
    }

    @Test
    void more_instances_than_one_page_are_found() throws SQLException {
        count(source.superuser(from));
        try (Submitter app = submitter(source, from)) {
            app.value("SELECT count(df.start('SELECT 1')) FROM generate_series(1, 3000)");
            app.value("SELECT count(df.signal(id, 'nobody')) FROM df.instances");
            app.value("SELECT count(df.cancel(id)) FROM (SELECT id FROM df.instances ORDER BY id LIMIT 1500) AS i");
        }
        move();

        try (Submitter owner = Submitter.at(target.worker(to))) {
            // Of each of the three tables.
            assertThat(owner.value("SELECT df._renumber(1000)")).isEqualTo("3000");
        }
        try (InProcessWorker worker = confirmed();
                Submitter app = submitter(target, to);
                Submitter owner = Submitter.at(target.worker(to))) {
            assertThat(owner.value("SELECT df._renumber(1000)")).isEqualTo("0");
            app.awaitValue("0", "SELECT count(*) FROM df.instances WHERE status IN ('pending', 'running')");
            assertThat(app.value("SELECT count(*) FROM df.instances WHERE status = 'completed'"))
                    .isEqualTo("1500");
            assertThat(news(owner)).containsExactly("snapshot");
            assertThat(worker.statistics().stepsFailed()).isZero();
        }
    }

    @Test
    void a_role_is_the_one_of_that_name() throws SQLException {
        DebianServer.execute(
                source.worker(from),
                "SELECT df.grant_secret('for/one', '" + APP + "'), df.grant_secret('for/all', 'PUBLIC')");
        String id;
        try (Submitter app = submitter(source, from)) {
            id = app.start("'SELECT 1'");
        }
        move();

        try (Submitter owner = Submitter.at(target.worker(to))) {
            assertThat(owner.value("SELECT role::text FROM df._inbox WHERE instance_id = ?", id))
                    .isEqualTo(APP);
            assertThat(owner.value("SELECT df._refused_secrets(?, '{for/one,for/all}')", id))
                    .isNull();
        }
        try (Submitter app = submitter(target, to)) {
            assertThat(app.value("SELECT string_agg(name, ' ' ORDER BY name) FROM df.secret_grants"))
                    .isEqualTo("for/all for/one");
        }
        try (Submitter other = Submitter.at(target.url(OTHER, DebianServer.password(OTHER), to))) {
            assertThat(other.value("SELECT string_agg(name, ' ' ORDER BY name) FROM df.secret_grants"))
                    .isEqualTo("for/all");
        }
    }

    /** A server that is in use has counted more transactions than a new one. */
    private static void count(DatabaseUrl where) {
        DebianServer.execute(
                where,
                "SET synchronous_commit = off;"
                        + " DO $$ BEGIN FOR i IN 1 .. 50000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$");
    }

    private void move() {
        Path dump = directory.resolve("dump");
        succeed(source, "pg_dump", source.superuser(from), "-Fc", "-f", dump.toString());
        succeed(target, "pg_restore", target.superuser(to), "--exit-on-error", "-d", to, dump.toString());
        Migration.migrate(target.worker(to));
    }

    private static void succeed(DebianServer at, String program, DatabaseUrl as, String... arguments) {
        Said said = at.call(program, as, arguments);
        assertThat(said.status()).as(program + ": " + said.text()).isZero();
    }

    private InProcessWorker confirmed() {
        DebianServer.execute(target.worker(to), "UPDATE df._epoch SET system_identifier = NULL");
        InProcessWorker worker = InProcessWorker.candidate(target.worker(to), passwords());
        worker.awaitRole(Role.LEADER);
        return worker;
    }

    private static void completes(Submitter app, String id) {
        Awaitility.await(id)
                .atMost(SECONDS)
                .until(() -> app.value("SELECT status FROM df.instances WHERE id = ?", id), "completed"::equals);
    }

    /** What a look finds that begins now. */
    private static List<String> news(Submitter owner) throws SQLException {
        String now = Objects.requireNonNull(owner.value("SELECT pg_current_snapshot()"));
        return owner
                .rows("SELECT kind FROM df._news((SELECT last_value FROM df._epoch_seq), ?, 100, 1000000)", now)
                .stream()
                .map(row -> String.valueOf(row.get(0)))
                .toList();
    }

    private static Map<String, String> passwords() {
        return Map.of("perdure.login.passwords." + APP, DebianServer.password(APP));
    }

    private static Submitter submitter(DebianServer server, String database) throws SQLException {
        return Submitter.at(server.url(APP, DebianServer.password(APP), database));
    }
}
