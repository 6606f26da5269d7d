package dev.perdure.backup;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.engine.InProcessWorker;
import dev.perdure.engine.Submitter;
import dev.perdure.leader.LeaderStatus.Role;
import dev.perdure.schema.Migration;
import dev.perdure.testing.DebianServer;
import dev.perdure.testing.Slow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** docs/backup.md, its part on logical replication: two servers, a real subscription, and work that moves with the rows. */
@Slow("a publisher and a subscriber")
class LogicalReplicationTest {

    private static final String APP = "moving_app";
    private static final String SENDER = "moving_sender";

    private DebianServer source;
    private DebianServer target;
    private String from;
    private String to;

    @BeforeEach
    void begin() {
        source = DebianServer.own(Map.of("wal_level", "logical"));
        target = DebianServer.own(Map.of());
        from = source.newDatabase();
        source.createUser(APP, from);
        source.asSuperuser(
                "postgres",
                "CREATE ROLE " + SENDER + " LOGIN REPLICATION BYPASSRLS PASSWORD '" + DebianServer.password(SENDER)
                        + "'");
        source.asSuperuser("postgres", "GRANT pg_read_all_data TO " + SENDER);
        to = target.newDatabase();
        // The same role has another OID there.
        target.asSuperuser("postgres", "CREATE ROLE somebody_else");
        target.createUser(APP, to);
    }

    @AfterEach
    void end() {
        target.close();
        source.close();
    }

    @Test
    void what_waits_and_what_nobody_has_taken_up_goes_on_at_the_target() throws Exception {
        aheadByTransactions(50_000);
        String waiting;
        String signalled;
        String pending;
        String cancelled;
        try (Submitter app = submitter(source, from)) {
            try (InProcessWorker worker = worker(source, from)) {
                waiting = app.start("'SELECT 1' ~> df.wait_for_signal('go') ~> 'SELECT 42 AS answer'");
                signalled = app.start("'SELECT 2' ~> df.wait_for_signal('go') ~> 'SELECT 43 AS answer'");
                cancelled = app.start("'SELECT 3' ~> df.wait_for_signal('go')");
                for (String id : new String[] {waiting, signalled, cancelled}) {
                    app.awaitValue(
                            "completed",
                            "SELECT status FROM df.nodes WHERE instance_id = ? AND starts_with(query, 'SELECT') AND status = 'completed'",
                            id);
                }
                assertThat(worker.statistics().stepsFailed()).isZero();
            }
            DebianServer.execute(source.worker(from), "SELECT df.grant_secret('copied', '" + APP + "')");
            subscribe();
            DebianServer.execute(source.worker(from), "SELECT df.grant_secret('replicated', '" + APP + "')");
            // What is written from here on is replicated, not copied.
            pending = app.start("'SELECT 44 AS answer'");
            app.open(signalled);
            app.value("SELECT df.cancel(?)", cancelled);
            awaitTheTarget();
        }
        DebianServer.execute(target.superuser(to), "DROP SUBSCRIPTION perdure");

        DatabaseUrl owner = target.worker(to);
        try (Submitter atTarget = Submitter.at(owner)) {
            assertThat(atTarget.value("SELECT df._sequences_behind()")).isEqualTo("df.signals_id_seq");
            Migration.migrate(owner);
            assertThat(atTarget.value("SELECT df._sequences_behind()")).isNull();
        }
        try (InProcessWorker worker = InProcessWorker.candidate(owner, passwords());
                Submitter app = submitter(target, to)) {
            worker.awaitRole(Role.REFUSED);
            assertThat(worker.leaderStatus().detail()).contains("UPDATE df._epoch SET system_identifier = NULL");
            DebianServer.execute(owner, "UPDATE df._epoch SET system_identifier = NULL");
            worker.awaitRole(Role.LEADER);

            assertThat(app.await(pending).status()).isEqualTo("completed");
            assertThat(app.result(pending).at("/rows/0/answer").asInt()).isEqualTo(44);
            assertThat(app.await(signalled).status()).isEqualTo("completed");
            assertThat(app.await(cancelled).status()).isEqualTo("cancelled");
            app.open(waiting);
            assertThat(app.await(waiting).status()).isEqualTo("completed");
            assertThat(app.result(waiting).at("/rows/0/answer").asInt()).isEqualTo(42);
            assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");
            assertThat(app.value(
                            "SELECT string_agg(name, ' ' ORDER BY name) FROM df.secret_grants WHERE role = ?::regrole",
                            APP))
                    .isEqualTo("copied replicated");
            assertThat(worker.statistics().stepsFailed()).isZero();
        }
    }

    /** Of one server, or always empty. */
    private static final List<String> NOT_PUBLISHED = List.of(
            "_activity_calls",
            "_child_starts",
            "_definition_changes",
            "_epoch",
            "_forks",
            "_freed_keys",
            "_item_ends",
            "_launches",
            "_logins",
            "_map_changes",
            "_queue_changes",
            "_redrives",
            "_schedule_changes",
            "_section_requests",
            "_start_requests",
            "_wake",
            "_worker_epoch");

    @Test
    void the_publication_of_the_page_leaves_no_table_out_that_holds_work() throws Exception {
        DebianServer.execute(source.worker(from), publicationOfThePage());

        try (Submitter superuser = Submitter.at(source.superuser(from))) {
            assertThat(superuser
                            .rows(
                                    "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'df'::regnamespace AND c.relkind = 'r'"
                                            + " AND c.relname NOT LIKE '%schema_history%' AND NOT EXISTS (SELECT FROM pg_publication_tables p"
                                            + " WHERE p.pubname = 'perdure' AND p.schemaname = 'df' AND p.tablename = c.relname) ORDER BY 1")
                            .stream()
                            .map(row -> row.get(0)))
                    .containsExactlyElementsOf(NOT_PUBLISHED);
        }
    }

    /** A server that is in use has counted more transactions than a new one. */
    private void aheadByTransactions(int count) {
        DebianServer.execute(
                source.superuser(from),
                "SET synchronous_commit = off; DO $$ BEGIN FOR i IN 1 .. " + count
                        + " LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$");
    }

    private void subscribe() throws IOException, SQLException {
        DebianServer.execute(source.worker(from), publicationOfThePage());
        DebianServer.execute(
                target.superuser(to),
                "CREATE SUBSCRIPTION perdure CONNECTION 'host=localhost port=" + source.port() + " dbname=" + from
                        + " user=" + SENDER + " password=" + DebianServer.password(SENDER)
                        + " sslmode=disable' PUBLICATION perdure");
        try (Submitter superuser = Submitter.at(target.superuser(to))) {
            superuser.awaitValue("t", "SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel");
        }
    }

    private static String publicationOfThePage() throws IOException {
        Matcher found = Pattern.compile("CREATE PUBLICATION perdure FOR TABLE[^;]+;")
                .matcher(Files.readString(Path.of("docs/backup.md")));
        assertThat(found.find()).as("the publication of docs/backup.md").isTrue();
        return found.group();
    }

    private void awaitTheTarget() throws SQLException {
        try (Submitter superuser = Submitter.at(source.superuser(from))) {
            String written = superuser.value("SELECT pg_current_wal_lsn()");
            superuser.awaitValue(
                    "t",
                    "SELECT bool_and(replay_lsn >= ?::pg_lsn) FROM pg_stat_replication WHERE application_name = 'perdure'",
                    written);
        }
    }

    private static InProcessWorker worker(DebianServer server, String database) {
        return InProcessWorker.start(server.worker(database), passwords());
    }

    private static Map<String, String> passwords() {
        return Map.of("perdure.login.passwords." + APP, DebianServer.password(APP));
    }

    private static Submitter submitter(DebianServer server, String database) throws SQLException {
        return Submitter.at(server.url(APP, DebianServer.password(APP), database));
    }
}
