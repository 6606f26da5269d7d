package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.testing.DebianServer;
import dev.perdure.testing.Slow;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Callers whose transactions are prepared before they commit: docs/two-phase-commit.md. */
@Slow("a server of its own, and leaders that end between prepare and commit")
class TwoPhaseCommitTest {

    private static final String APP = "two_phases_app";
    private static final String NOTIFY =
            "INSERT INTO df.settings (name, value) VALUES ('notify', '%s') ON CONFLICT (name) DO UPDATE SET value = excluded.value";

    private static DebianServer server;
    private static DatabaseUrl url;
    private static Submitter owner;
    private static InProcessWorker worker;
    private Submitter app;

    @BeforeAll
    static void begin() throws SQLException {
        server = DebianServer.own(Map.of("max_prepared_transactions", "5"));
        String database = server.newDatabase();
        server.createUser(APP, database);
        url = server.url(APP, DebianServer.password(APP), database);
        owner = Submitter.at(server.worker(database));
        owner.execute(NOTIFY.formatted("off"));
        worker = InProcessWorker.start(
                server.worker(database), Map.of("perdure.login.passwords." + APP, DebianServer.password(APP)));
    }

    @AfterAll
    static void end() throws SQLException {
        worker.close();
        owner.close();
        server.close();
    }

    @BeforeEach
    void connect() throws SQLException {
        app = Submitter.at(url);
    }

    @AfterEach
    void disconnect() throws SQLException {
        app.close();
    }

    /** The worker has seen everything that was committed before. */
    private void everybodyElseIsServed() throws SQLException {
        assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");
    }

    @Test
    void with_notify_on_a_transaction_that_woke_the_idle_worker_cannot_be_prepared() throws SQLException {
        owner.execute(NOTIFY.formatted("on"));
        try {
            // Read in the snapshot that df.start reads, too: the worker may be about to say that it is busy with what
            // came before.
            do {
                app.execute("ROLLBACK");
                owner.awaitValue("t", "SELECT idle FROM df._wake");
                app.execute("BEGIN ISOLATION LEVEL REPEATABLE READ");
            } while (!"t".equals(app.value("SELECT idle FROM df._wake")));
            app.start("'SELECT 1'");

            assertThatThrownBy(() -> app.execute("PREPARE TRANSACTION 'told'"))
                    .hasMessageContaining("cannot PREPARE a transaction that has executed LISTEN, UNLISTEN, or NOTIFY");
        } finally {
            owner.execute(NOTIFY.formatted("off"));
        }
    }

    @Test
    void a_prepared_start_runs_when_it_is_committed_however_late() throws SQLException {
        app.execute("BEGIN");
        String id = app.start("'SELECT 1'");
        app.execute("PREPARE TRANSACTION 'late'");
        for (int i = 0; i < 20; i++) {
            everybodyElseIsServed();
        }
        assertThat(app.value("SELECT df.status(?)", id)).isNull();
        assertThat(owner.value("SELECT count(*) FROM df.instances WHERE id = ?", id))
                .isEqualTo("0");

        app.execute("COMMIT PREPARED 'late'");
        assertThat(app.await(id).status()).isEqualTo("completed");
    }

    @Test
    void a_prepared_completion_of_an_activity_counts_when_it_is_committed_and_holds_up_its_own_workflow_alone()
            throws SQLException {
        String id = app.start("df.timeout(df.activity('prepared'), '1 second', 'SELECT ''over'' AS how')");
        String token = app.value("SELECT token FROM df.claim_activities('prepared', wait => '20 s')");
        app.execute("BEGIN; SELECT df.complete_activity('" + token + "', '{\"how\": \"prepared\"}')");
        app.execute("PREPARE TRANSACTION 'activity'");
        app.awaitValue(
                "t", "SELECT clock_timestamp() > created_at + interval '2 seconds' FROM df.instances WHERE id = ?", id);
        everybodyElseIsServed();
        assertThat(app.value("SELECT df.status(?)", id)).isEqualTo("running");

        app.execute("COMMIT PREPARED 'activity'");
        assertThat(app.await(id).output()).contains("prepared");
    }

    @Test
    void a_prepared_completion_that_is_rolled_back_leaves_the_activity_to_others() throws SQLException {
        String id = app.start("df.activity('prepared in vain', lease => '1 second')");
        String token = app.value("SELECT token FROM df.claim_activities('prepared in vain', wait => '20 s')");
        app.execute("BEGIN; SELECT df.complete_activity('" + token + "')");
        app.execute("PREPARE TRANSACTION 'in vain'");
        app.execute("ROLLBACK PREPARED 'in vain'");
        app.value(
                "SELECT df.complete_activity(token, '{\"n\": 2}') FROM df.claim_activities('prepared in vain', wait => '20 s')");
        assertThat(app.await(id).output()).contains("2");
    }

    @Test
    void a_prepared_start_outlives_a_leader() throws SQLException {
        app.execute("BEGIN");
        String id = app.start("'SELECT 1'");
        app.execute("PREPARE TRANSACTION 'outlives'");
        worker.loseMemory();
        everybodyElseIsServed();

        app.execute("COMMIT PREPARED 'outlives'");
        assertThat(app.await(id).status()).isEqualTo("completed");
    }

    @Test
    void a_prepared_start_that_is_rolled_back_leaves_nothing() throws SQLException {
        app.execute("BEGIN");
        String id = app.start("'SELECT 1'");
        app.execute("PREPARE TRANSACTION 'given up'");
        app.execute("ROLLBACK PREPARED 'given up'");
        everybodyElseIsServed();

        assertThat(owner.value("SELECT count(*) FROM df.instances WHERE id = ?", id))
                .isEqualTo("0");
        assertThat(owner.value("SELECT count(*) FROM df._inbox WHERE instance_id = ?", id))
                .isEqualTo("0");
    }

    @Test
    void a_prepared_signal_arrives_when_it_is_committed_and_not_when_it_is_rolled_back() throws SQLException {
        String id = app.start("df.wait_for_signal('go')");
        for (String data : new String[] {"given up", "meant"}) {
            app.execute("BEGIN");
            app.value("SELECT df.signal(?, 'go', ?)", id, "\"" + data + "\"");
            app.execute("PREPARE TRANSACTION 'signal'");
            everybodyElseIsServed();
            assertThat(app.value("SELECT df.status(?)", id)).isIn("pending", "running");
            app.execute((data.equals("meant") ? "COMMIT" : "ROLLBACK") + " PREPARED 'signal'");
            everybodyElseIsServed();
        }

        assertThat(app.await(id).status()).isEqualTo("completed");
        assertThat(app.result(id).toString()).contains("meant").doesNotContain("given up");
    }

    @Test
    void a_prepared_cancel_ends_the_instance_when_it_is_committed() throws SQLException {
        String id = app.start(Submitter.GATE);
        app.execute("BEGIN");
        app.value("SELECT df.cancel(?)", id);
        app.execute("PREPARE TRANSACTION 'cancel'");
        everybodyElseIsServed();
        assertThat(app.value("SELECT df.status(?)", id)).isIn("pending", "running");

        app.execute("COMMIT PREPARED 'cancel'");
        assertThat(app.await(id).status()).isEqualTo("cancelled");
    }

    @Test
    void a_prepared_cancel_that_is_rolled_back_changes_nothing() throws SQLException {
        String id = app.start(Submitter.GATE);
        app.execute("BEGIN");
        app.value("SELECT df.cancel(?)", id);
        app.execute("PREPARE TRANSACTION 'no cancel'");
        app.open(id);
        everybodyElseIsServed();

        app.execute("ROLLBACK PREPARED 'no cancel'");
        assertThat(app.await(id).status()).isEqualTo("completed");
    }

    @Test
    void a_start_under_the_key_of_a_prepared_one_waits_for_it() throws Exception {
        String start = "SELECT df.start('SELECT 1', options => '{\"idempotency_key\": \"prepared\"}')";
        app.execute("BEGIN");
        String id = app.value(start);
        app.execute("PREPARE TRANSACTION 'key'");
        try (Submitter other = Submitter.at(url)) {
            String pid = other.value("SELECT pg_backend_pid()");
            CompletableFuture<String> second = CompletableFuture.supplyAsync(() -> {
                try {
                    return String.valueOf(other.value(start));
                } catch (SQLException e) {
                    throw new IllegalStateException(e);
                }
            });
            app.awaitValue("t", "SELECT cardinality(pg_blocking_pids(?::int)) > 0", pid);
            app.execute("COMMIT PREPARED 'key'");

            assertThat(second.get(60, TimeUnit.SECONDS)).isEqualTo(id);
        }
    }
}
