package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The commit of a step in another database is held up, by synchronous replication to a standby that is not there, and
 * its outcome is lost.
 */
class OtherDatabaseCommitTest {

    private static final String WAITING =
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()" + " AND wait_event = 'SyncRep'";

    private final TestDatabase home = PostgresServer.get().newDatabase();
    private final TestDatabase other = PostgresServer.get().newEmptyDatabase();
    private InProcessWorker worker;
    private Submitter app;
    private Submitter observer;

    @BeforeEach
    void begin() throws SQLException {
        // Only the steps' own commits shall wait.
        for (TestDatabase each : List.of(home, other)) {
            each.asSuperuser("ALTER DATABASE " + each.name() + " SET synchronous_commit = local");
        }
        worker = InProcessWorker.start(home);
        app = Submitter.of(home, "other_commit_app");
        observer = Submitter.observer(other);
        other.asSuperuser("GRANT CREATE ON DATABASE " + other.name() + " TO other_commit_app;"
                + " CREATE TABLE public.ledger (step text); GRANT ALL ON public.ledger TO other_commit_app;"
                + " ALTER ROLE other_commit_app IN DATABASE " + other.name() + " SET synchronous_commit = on");
        // Makes the table of receipts, while commits still come back.
        app.await(start("'SELECT 1'"));
        holdCommits("'nobody'");
    }

    @AfterEach
    void end() throws SQLException {
        holdCommits("''");
        worker.close();
        app.close();
        observer.close();
    }

    private String start(String expression) throws SQLException {
        return String.valueOf(app.value("SELECT df.start(" + expression + ", database => '" + other.name() + "')"));
    }

    private void holdCommits(String standby) {
        other.asSuperuser("ALTER SYSTEM SET synchronous_standby_names = " + standby);
        other.asSuperuser("SELECT pg_reload_conf()");
    }

    private String startAndAwaitCommit() throws SQLException {
        // The new setting reaches sessions when they begin their next command.
        observer.awaitValue("nobody", "SHOW synchronous_standby_names");
        String id =
                start("'INSERT INTO public.ledger VALUES (''held'') RETURNING 42 AS v' |=> 'x' ~> 'SELECT $x AS v'");
        observer.awaitValue("1", "SELECT count(*) FROM (" + WAITING + ") x");
        return id;
    }

    private void assertItHappenedOnce(String id) throws SQLException {
        var ended = app.await(id);
        assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
        assertThat(app.result(id).at("/rows/0/v").asInt()).isEqualTo(42);
        assertThat(observer.value("SELECT count(*) FROM public.ledger")).isEqualTo("1");
    }

    @Test
    void a_connection_that_is_lost_during_commit_leaves_one_effect() throws SQLException {
        String id = startAndAwaitCommit();

        String session = observer.value(WAITING);
        observer.value("SELECT pg_terminate_backend(" + session + ")");
        // Only then: a commit that is released first comes back after all.
        observer.awaitValue("0", "SELECT count(*) FROM pg_stat_activity WHERE pid = " + session);
        holdCommits("''");

        assertItHappenedOnce(id);
        assertThat(app.node(id, "INSERT", "attempt")).isEqualTo("2");
    }

    @Test
    void a_worker_that_loses_its_memory_during_commit_leaves_one_effect() throws SQLException {
        String id = startAndAwaitCommit();

        worker.loseMemory();
        holdCommits("''");

        assertItHappenedOnce(id);
    }
}
