package dev.perdure.leader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.perdure.database.DatabaseThreads;
import dev.perdure.database.ServerIdentity;
import dev.perdure.store.Term;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Several workers, each with the same four databases, in this JVM. */
class SpreadTest {

    private static final LeaderElection.Times TIMES = new LeaderElection.Times(
            Duration.ofMillis(100), Duration.ofMillis(100), Duration.ofSeconds(2), Duration.ofSeconds(5));
    private static final Duration OFTEN = Duration.ofMillis(500);

    private final List<TestDatabase> databases =
            Stream.generate(() -> PostgresServer.get().newDatabase()).limit(4).toList();
    private final Vertx vertx = Vertx.vertx();
    private final List<Process> processes = new ArrayList<>();

    @AfterEach
    void end() {
        processes.forEach(Process::close);
        vertx.close();
    }

    /** The elections of one process. */
    private final class Process {

        private final Spread spread;
        private final List<LeaderStatus> statuses = new ArrayList<>();
        private final List<LeaderElection> elections = new ArrayList<>();

        Process(Duration interval, List<TestDatabase> served) {
            spread = new Spread(databases.size(), interval);
            for (TestDatabase database : served) {
                LeaderStatus status = new LeaderStatus();
                statuses.add(status);
                LeaderElection election = new LeaderElection(
                        vertx,
                        database.url().reactiveOptions(),
                        TIMES,
                        Clock.systemUTC(),
                        status,
                        new Idle(),
                        spread,
                        DatabaseThreads.ONLY);
                elections.add(election);
                election.start();
            }
            processes.add(this);
        }

        boolean leads(int database) {
            return statuses.get(database).view().role() == LeaderStatus.Role.LEADER;
        }

        long led() {
            return statuses.stream()
                    .filter(status -> status.view().role() == LeaderStatus.Role.LEADER)
                    .count();
        }

        boolean standsForAll() {
            return statuses.stream()
                    .allMatch(status -> status.view().role() == LeaderStatus.Role.LEADER
                            || status.view().role() == LeaderStatus.Role.STANDBY);
        }

        void close() {
            elections.forEach(LeaderElection::close);
        }
    }

    private static final class Idle implements LeaderListener {

        @Override
        public void elected(Term term, ServerIdentity server, int host) {}

        @Override
        public void dismissed(boolean orderly) {}

        @Override
        public void released() {}
    }

    private List<String> epochs() {
        List<String> epochs = new ArrayList<>();
        for (TestDatabase database : databases) {
            try {
                epochs.add(database.value(PostgresServer.OWNER, "SELECT last_value FROM df._epoch_seq"));
            } catch (java.sql.SQLException e) {
                throw new IllegalStateException(e);
            }
        }
        return epochs;
    }

    @Test
    void a_worker_that_leads_all_gives_half_of_them_to_one_that_comes_and_then_nothing_moves() {
        Process first = new Process(OFTEN, databases);
        await().until(() -> first.led() == 4);
        assertThat(epochs()).containsOnly("1");

        Process second = new Process(OFTEN, databases);

        await("two each").atMost(Duration.ofSeconds(20)).until(() -> first.led() == 2 && second.led() == 2);
        List<String> settled = epochs();
        await("nothing moves")
                .during(Duration.ofSeconds(3))
                .atMost(Duration.ofSeconds(10))
                .until(() -> epochs().equals(settled) && first.led() == 2 && second.led() == 2);
        assertThat(settled).containsExactlyInAnyOrder("1", "1", "2", "2");
    }

    @Test
    void nothing_is_given_away_where_that_is_switched_off() {
        Process first = new Process(Duration.ZERO, databases);
        await().until(() -> first.led() == 4);
        Process second = new Process(Duration.ZERO, databases);
        await().until(second::standsForAll);

        await("nothing moves")
                .during(Duration.ofSeconds(2))
                .atMost(Duration.ofSeconds(10))
                .until(() -> first.led() == 4);
    }

    @Test
    void what_a_lost_worker_has_led_goes_to_those_that_lead_least() {
        Process lost = new Process(Duration.ZERO, databases.subList(0, 2));
        await().until(() -> lost.led() == 2);
        // Asks for all locks first, and leads two.
        Process busy = new Process(Duration.ZERO, databases);
        await().until(() -> busy.led() == 2 && busy.standsForAll());
        Process idle = new Process(Duration.ZERO, databases);
        await().until(idle::standsForAll);

        lost.close();

        await().until(() -> busy.led() + idle.led() == 4);
        assertThat(idle.leads(0)).isTrue();
        assertThat(idle.leads(1)).isTrue();
    }

    @Test
    void a_worker_that_is_left_alone_takes_over_all() {
        Process first = new Process(OFTEN, databases);
        Process second = new Process(OFTEN, databases);
        await().atMost(Duration.ofSeconds(20)).until(() -> first.led() == 2 && second.led() == 2);

        first.close();

        await().until(() -> second.led() == 4);
    }
}
