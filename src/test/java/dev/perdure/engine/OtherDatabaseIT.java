package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import dev.perdure.testing.WorkerProcess;
import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

/** A worker process is killed between the commit of a step in another database and that of its checkpoint. */
class OtherDatabaseIT {

    private final TestDatabase home = PostgresServer.get().newDatabase();
    private final TestDatabase other = PostgresServer.get().newEmptyDatabase();

    private String killBetweenEffectAndCheckpoint(Submitter app) throws SQLException {
        other.asSuperuser("CREATE TABLE public.ledger (step text); GRANT ALL ON public.ledger TO " + app.role());
        String id = String.valueOf(app.value("SELECT df.start('INSERT INTO public.ledger VALUES (''once'')"
                + " RETURNING txid_current() AS t' |=> 'x' ~> 'SELECT $x AS t', database => '" + other.name() + "')"));
        try (Connection held = home.connect("postgres");
                Submitter observer = Submitter.observer(other)) {
            held.setAutoCommit(false);
            // The owner's checkpoint waits for this: somebody is taking its version.
            try (var hold = held.prepareStatement(
                    "INSERT INTO df._checkpoints (instance_id, version, bytes, state) VALUES (?, 1, 0, '{}')")) {
                hold.setString(1, id);
                hold.executeUpdate();
            }
            try (WorkerProcess worker = WorkerProcess.start(home.url()).awaitLeader()) {
                observer.awaitValue("1", "SELECT count(*) FROM public.ledger");
                worker.kill();
            }
            // A checkpoint that the worker has sent already must not be written when the lock is gone.
            home.asSuperuser("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                    + " AND usename = '" + PostgresServer.OWNER + "'");
            observer.awaitValue(
                    "0",
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = ? AND usename = ?",
                    home.name(),
                    PostgresServer.OWNER);
            held.rollback();
        }
        try (WorkerProcess next = WorkerProcess.start(home.url()).awaitLeader()) {
            var ended = app.await(id);
            assertThat(ended.status()).as(ended.output()).isEqualTo("completed");
            assertThat(next.pid()).isPositive();
        }
        return id;
    }

    @Test
    void with_receipts_the_step_happens_once() throws SQLException {
        try (Submitter app = Submitter.of(home, "other_it_app")) {
            other.asSuperuser("GRANT CREATE ON DATABASE " + other.name() + " TO other_it_app");

            String id = killBetweenEffectAndCheckpoint(app);

            assertThat(other.value("postgres", "SELECT count(*) FROM public.ledger"))
                    .isEqualTo("1");
            assertThat(app.node(id, "INSERT", "status_details ->> 'at_least_once'"))
                    .isNull();
        }
    }

    @Test
    void without_receipts_it_happens_again_and_its_node_says_so() throws SQLException {
        other.asSuperuser("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
        try (Submitter guest = Submitter.of(home, "other_it_guest")) {
            String id = killBetweenEffectAndCheckpoint(guest);

            assertThat(other.value("postgres", "SELECT count(*) FROM public.ledger"))
                    .isEqualTo("2");
            assertThat(guest.node(id, "INSERT", "status_details ->> 'at_least_once'"))
                    .contains("can create no table for receipts");
        }
    }
}
