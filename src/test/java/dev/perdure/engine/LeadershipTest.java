package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.leader.LeaderStatus;
import dev.perdure.testing.DebianServer;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Who leads, and what can stand in the way of it. */
class LeadershipTest {

    private TestDatabase database;
    private Submitter app;
    private Submitter observer;

    @BeforeEach
    void begin() throws SQLException {
        database = PostgresServer.get().newDatabase();
        app = Submitter.of(database, "leader_app");
        observer = Submitter.observer(database);
    }

    @AfterEach
    void end() throws SQLException {
        app.close();
        observer.close();
    }

    @Test
    void of_two_workers_one_leads_and_the_other_takes_over_when_it_ends() throws SQLException {
        InProcessWorker first = InProcessWorker.start(database);
        try (InProcessWorker second = InProcessWorker.candidate(database, Map.of())) {
            second.awaitRole(LeaderStatus.Role.STANDBY);
            assertThat(second.leaderStatus().detail())
                    .contains("another worker leads: the session with pid")
                    .contains("of role df_worker (perdure-leader)");
            assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");

            first.close();
            second.awaitRole(LeaderStatus.Role.LEADER);

            assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");
            assertThat(second.leaderStatus().epoch()).isEqualTo(2);
        }
    }

    @Test
    void a_foreign_role_that_holds_the_lock_is_evaded_by_a_new_key() throws SQLException {
        String key = observer.value("SELECT lock_key FROM df._epoch");
        app.value("SELECT pg_advisory_lock(?)", Long.parseLong(String.valueOf(key)));

        try (InProcessWorker worker = InProcessWorker.start(database)) {
            assertThat(worker.leaderStatus().epoch()).isEqualTo(1);
            assertThat(observer.value("SELECT lock_key FROM df._epoch")).isNotEqualTo(key);
            assertThat(worker.leaderStatus().detail())
                    .contains("its lock had been taken by the session with pid")
                    .contains("of role leader_app");
            assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");
        }
    }

    @Test
    void a_prepared_transaction_that_holds_the_lock_is_named_and_evaded() throws SQLException {
        try (DebianServer own = DebianServer.own(Map.of("max_prepared_transactions", "5"))) {
            String name = own.newDatabase();
            own.createUser("leader_two_phases", name);
            DatabaseUrl theirs = own.url("leader_two_phases", DebianServer.password("leader_two_phases"), name);
            try (Submitter owner = Submitter.at(own.worker(name))) {
                String key = owner.value("SELECT lock_key FROM df._epoch");
                DebianServer.execute(
                        theirs, "BEGIN; SELECT pg_advisory_xact_lock(" + key + "); PREPARE TRANSACTION 'kept'");
                try (InProcessWorker worker = InProcessWorker.start(own.worker(name))) {
                    assertThat(worker.leaderStatus().detail())
                            .contains("taken by the prepared transaction 'kept' of role leader_two_phases");
                }
            }
        }
    }

    @Test
    void a_dump_that_reads_the_tables_does_not_hold_up_a_take_over() throws SQLException {
        observer.execute("BEGIN");
        observer.execute(
                "LOCK TABLE df._epoch, df._wake, df._worker_epoch, df.instances, df._inbox, df._checkpoints, df._nodes IN ACCESS SHARE MODE");

        try (InProcessWorker worker = InProcessWorker.start(database)) {
            assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");
            worker.loseMemory();
            assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");
        } finally {
            observer.execute("ROLLBACK");
        }
    }

    @Test
    void a_worker_whose_term_was_ended_by_another_steps_down_and_begins_a_new_one() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            // As if a second leader had been elected: possible only when locks fail, and harmless.
            observer.value("SELECT epoch FROM df._begin_term()");

            assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");
            assertThat(worker.leaderStatus().epoch()).isEqualTo(3);
        }
    }

    @Test
    void a_server_that_is_not_the_one_of_the_schema_is_refused_until_an_operator_confirms() throws SQLException {
        observer.execute("UPDATE df._epoch SET system_identifier = '42', database_oid = 1");

        try (InProcessWorker worker = InProcessWorker.candidate(database, Map.of())) {
            worker.awaitRole(LeaderStatus.Role.REFUSED);
            assertThat(worker.leaderStatus().detail()).contains("UPDATE df._epoch SET system_identifier = NULL");
            String id = app.start("'SELECT 1'");
            observer.execute("UPDATE df._epoch SET system_identifier = NULL");

            worker.awaitRole(LeaderStatus.Role.LEADER);
            assertThat(app.await(id).status()).isEqualTo("completed");
        }
    }

    @Test
    void no_session_of_the_worker_outlives_it() throws SQLException {
        try (InProcessWorker worker = InProcessWorker.start(database)) {
            for (int i = 0; i < 3; i++) {
                app.run("'SELECT 1'");
                worker.loseMemory();
            }
        }
        observer.awaitValue(
                "0",
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                        + " AND (application_name = 'perdure-step' OR usename = 'df_worker')");
        assertThat(List.of(observer.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database ="
                        + " (SELECT oid FROM pg_database WHERE datname = current_database())")))
                .containsExactly("0");
    }
}
