package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import dev.perdure.testing.WorkerProcess;
import java.sql.SQLException;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Real workers, each of which is killed as soon as it works on a certain instance. */
class SetAsideIT {

    private static final String KILLER = "SELECT pg_sleep(3600) /* ends its worker */";

    private final TestDatabase database = PostgresServer.get().newDatabase();

    @Test
    void an_instance_with_which_leaders_end_is_set_aside_shown_and_goes_on_when_the_owner_says_so()
            throws SQLException {
        try (Submitter evil = Submitter.of(database, "aside_evil");
                Submitter app = Submitter.of(database, "aside_app");
                Submitter owner = Submitter.at(database.url());
                Submitter observer = Submitter.observer(database)) {
            String sleeping = app.start("'SELECT pg_sleep(3600) /* innocent */'");
            String killer = evil.start("'" + KILLER + "'");
            int deaths = 0;
            while (true) {
                try (WorkerProcess worker = WorkerProcess.start(database.url()).awaitLeader()) {
                    Awaitility.await("it is worked on, or set aside")
                            .until(() -> isWorkedOn(observer) || isSetAside(owner, killer));
                    if (isSetAside(owner, killer)) {
                        assertThat(app.run("'SELECT 1' ~> 'SELECT 2'").status()).isEqualTo("completed");
                        app.awaitValue("running", "SELECT status FROM df.nodes WHERE instance_id = ?", sleeping);
                        shownAndResumed(evil, owner, observer, killer);
                        break;
                    }
                    deaths++;
                    worker.kill();
                }
                endSessions(observer);
            }
            assertThat(deaths).as("workers that it ended").isBetween(2, 3);
        }
    }

    private void shownAndResumed(Submitter evil, Submitter owner, Submitter observer, String killer)
            throws SQLException {
        assertThat(evil.value(
                        "SELECT status_details #>> '{set_aside,reason}' FROM df.nodes WHERE instance_id = ?", killer))
                .contains("workers in succession ended");
        assertThat(evil.value("SELECT df.status(?)", killer)).isEqualTo("running");

        owner.value("SELECT df.resume(?)", killer);
        Awaitility.await("it is worked on again").atMost(Duration.ofSeconds(30)).until(() -> isWorkedOn(observer));
        evil.value("SELECT df.cancel(?)", killer);
        assertThat(evil.await(killer).status()).isEqualTo("cancelled");
    }

    private static boolean isWorkedOn(Submitter observer) throws SQLException {
        return "t"
                .equals(observer.value(
                        "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE '%ends its worker%' AND state = 'active'"
                                + " AND usename = 'aside_evil'"));
    }

    private static boolean isSetAside(Submitter owner, String instance) throws SQLException {
        return "t"
                .equals(owner.value(
                        "SELECT count(*) > 0 FROM df._tries WHERE instance_id = ? AND set_aside_at IS NOT NULL",
                        instance));
    }

    /** What the worker that was killed was executing. */
    private static void endSessions(Submitter observer) throws SQLException {
        observer.value("SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity"
                + " WHERE application_name = 'perdure-step' AND datname = current_database()");
    }
}
