package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

/** In whose queues the leader looks first. No worker runs: what it asks is asked here. */
class AdmissionTurnsTest {

    private final TestDatabase database = PostgresServer.get().newDatabase();

    @Test
    void a_role_with_fifty_full_queues_lets_others_wait_for_one_of_them() throws SQLException {
        try (Submitter many = Submitter.of(database, "turns_many");
                Submitter one = Submitter.of(database, "turns_one");
                Submitter owner = Submitter.at(database.url())) {
            many.execute("SELECT df.create_queue('q' || i), df.pause_queue('q' || i) FROM generate_series(1, 50) AS i");
            many.execute(
                    "SELECT df.start('SELECT 1', options => jsonb_build_object('queue', 'q' || i)) FROM generate_series(1, 50) AS i");
            one.execute("SELECT df.create_queue('own')");
            owner.execute("UPDATE df._queues SET id = 'ffffffff-ffff-ffff-ffff-ffffffffffff' WHERE name = 'own'");
            String epoch = owner.value("SELECT epoch FROM df._begin_term()");
            String after = owner.value("SELECT after FROM df._admit(" + epoch + ", true, '{}', '{}')");
            // As many of the fifty as one call has the time for.
            assertThat(after).as("a page of fifty").isNotEqualTo("{}");

            one.start("'SELECT 1', options => '{\"queue\": \"own\"}'");
            assertThat(owner.value("SELECT released FROM df._admit(" + epoch + ", false, ?::uuid[], '{}')", after))
                    .as("in the middle of the other's round")
                    .isEqualTo("1");

            int calls = 0;
            while (!"{}".equals(after) && calls < 100) {
                after = owner.value("SELECT after FROM df._admit(" + epoch + ", false, ?::uuid[], '{}')", after);
                calls++;
            }
            assertThat(calls).as("until each of the fifty had its turn").isBetween(1, 99);
            assertThat(owner.value("SELECT count(*) FROM df._starts WHERE admitted_at IS NOT NULL"))
                    .isEqualTo("1");
        }
    }
}
