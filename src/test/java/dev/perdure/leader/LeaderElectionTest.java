package dev.perdure.leader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.perdure.database.DatabaseThreads;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.ServerIdentity;
import dev.perdure.store.Term;
import dev.perdure.testing.FrozenGate;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Terms begin and end in order, whatever listeners do and however slowly the server answers. */
class LeaderElectionTest {

    private static final LeaderElection.Times TIMES = new LeaderElection.Times(
            Duration.ofMillis(100), Duration.ofMillis(100), Duration.ofSeconds(1), Duration.ofSeconds(3));

    private final TestDatabase database = PostgresServer.get().newDatabase();
    private final Vertx vertx = Vertx.vertx();
    private final LeaderStatus status = new LeaderStatus();
    private final List<String> told = new CopyOnWriteArrayList<>();

    @AfterEach
    void end() {
        vertx.close();
    }

    private class Recorder implements LeaderListener {

        @Override
        public void elected(Term term, ServerIdentity server, int host) {
            told.add("elected " + term.epoch());
        }

        @Override
        public void dismissed(boolean orderly) {
            told.add("dismissed");
        }

        @Override
        public void released() {
            told.add("released");
        }
    }

    private LeaderElection election(DatabaseUrl url, LeaderStatus of, LeaderListener... listeners) {
        return new LeaderElection(
                vertx,
                url.reactiveOptions(),
                TIMES,
                Clock.systemUTC(),
                of,
                new LeaderListeners(List.of(listeners)),
                Spread.alone(),
                DatabaseThreads.ONLY);
    }

    private void awaitLeader(long atLeast) {
        await().until(() -> status.view().role() == LeaderStatus.Role.LEADER
                && status.view().epoch() >= atLeast);
    }

    private long leaderSessions() throws SQLException {
        return Long.parseLong(String.valueOf(database.value(
                "postgres",
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                        + " AND application_name = 'perdure-leader'")));
    }

    @Test
    void a_late_word_of_an_old_term_ends_nothing() {
        try (LeaderElection election = election(database.url(), status, new Recorder())) {
            election.start();
            awaitLeader(1);
            election.stepDown(1);
            awaitLeader(2);

            election.stepDown(1);
            election.stepDown(1);
            // Several heartbeats later.
            await().during(Duration.ofMillis(600))
                    .atMost(Duration.ofSeconds(20))
                    .until(() -> status.view().role() == LeaderStatus.Role.LEADER
                            && status.view().epoch() == 2);
            assertThat(told).containsExactly("elected 1", "dismissed", "released", "elected 2");
        }
    }

    @Test
    void a_listener_that_throws_leaves_nobody_at_work_without_the_lock() throws SQLException {
        LeaderListener broken = new Recorder() {
            @Override
            public void elected(Term term, ServerIdentity server, int host) {
                if (term.epoch() < 3) {
                    throw new IllegalStateException("broken");
                }
            }
        };
        try (LeaderElection election = election(database.url(), status, new Recorder(), broken)) {
            election.start();
            awaitLeader(3);
            assertThat(told.subList(0, told.indexOf("elected 2")))
                    .as("what the first term began was ended before the second one")
                    .containsExactly("elected 1", "dismissed", "dismissed", "released", "released");
            assertThat(leaderSessions()).isEqualTo(1);
        }
    }

    @Test
    void a_listener_that_throws_at_the_end_keeps_no_other_from_ending() {
        LeaderListener broken = new Recorder() {
            @Override
            public void dismissed(boolean orderly) {
                throw new IllegalStateException("broken");
            }
        };
        try (LeaderElection election = election(database.url(), status, new Recorder(), broken)) {
            election.start();
            awaitLeader(1);
            election.stepDown(1);
            awaitLeader(2);
            assertThat(told.subList(0, told.lastIndexOf("elected 2"))).contains("dismissed");
        }
    }

    @Test
    void an_error_ends_a_term_and_not_the_election() throws SQLException {
        LeaderListener broken = new Recorder() {
            @Override
            public void elected(Term term, ServerIdentity server, int host) {
                if (term.epoch() < 3) {
                    throw new NoClassDefFoundError("broken");
                }
            }

            @Override
            public void released() {
                throw new NoClassDefFoundError("broken");
            }
        };
        try (LeaderElection election = election(database.url(), status, broken, new Recorder())) {
            election.start();
            awaitLeader(3);
            assertThat(told).contains("released", "elected 3");
            assertThat(election.isAlive(Duration.ofSeconds(60))).isTrue();
            assertThat(leaderSessions()).isEqualTo(1);
        }
    }

    @Test
    void an_election_whose_thread_has_ended_is_not_alive() {
        try (LeaderElection election = election(database.url(), status, new Recorder())) {
            assertThat(election.isAlive(Duration.ofSeconds(60)))
                    .as("before it begins")
                    .isFalse();
            election.start();
            awaitLeader(1);
            assertThat(election.isAlive(Duration.ofSeconds(60))).isTrue();

            Thread.getAllStackTraces().keySet().stream()
                    .filter(thread -> thread.getName().equals("perdure-leader"))
                    .forEach(Thread::interrupt);
            await().until(() -> !election.isAlive(Duration.ofSeconds(60)));
        }
    }

    @Test
    void an_election_that_gives_no_sign_is_not_alive_until_it_does() {
        CountDownLatch goesOn = new CountDownLatch(1);
        LeaderListener stuck = new Recorder() {
            @Override
            public void elected(Term term, ServerIdentity server, int host) {
                try {
                    goesOn.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        };
        try (LeaderElection election = election(database.url(), status, stuck)) {
            election.start();
            await().until(() -> !election.isAlive(Duration.ofSeconds(2)));
            goesOn.countDown();
            await().until(() -> election.isAlive(Duration.ofSeconds(2)));
            awaitLeader(1);
        }
        LeaderElection closed = election(database.url(), status, new Recorder());
        closed.start();
        closed.close();
        assertThat(closed.isAlive(Duration.ofSeconds(2)))
                .as("one that was closed")
                .isTrue();
    }

    @Test
    void a_leader_that_takes_long_to_end_is_not_taken_for_dead() {
        CountDownLatch ends = new CountDownLatch(1);
        LeaderListener slow = new Recorder() {
            @Override
            public void dismissed(BooleanSupplier stillLeads) {
                try {
                    boolean isOver = false;
                    while (stillLeads.getAsBoolean() && !isOver) {
                        isOver = ends.await(10, TimeUnit.MILLISECONDS);
                    }
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return;
                }
                told.add(stillLeads.getAsBoolean() ? "dismissed in time" : "cut off");
            }
        };
        LeaderStatus other = new LeaderStatus();
        LeaderElection first = election(database.url(), status, slow);
        first.start();
        awaitLeader(1);
        try (LeaderElection second = election(database.url(), other)) {
            second.start();
            await().until(() -> other.view().role() == LeaderStatus.Role.STANDBY);
            Thread closing = new Thread(first::close);
            closing.start();
            // Longer than a standby waits for one that is silent.
            await().during(TIMES.silence().plusSeconds(2))
                    .atMost(Duration.ofSeconds(60))
                    .until(() -> other.view().role() == LeaderStatus.Role.STANDBY);
            ends.countDown();
            await().until(() -> other.view().role() == LeaderStatus.Role.LEADER);
            assertThat(told).contains("dismissed in time");
        }
    }

    @Test
    void tries_that_get_no_answer_leave_no_session_behind() throws SQLException {
        try (FrozenGate gate = new FrozenGate(PostgresServer.get().port())) {
            DatabaseUrl through = database.url().withHost(new DatabaseUrl.Host("localhost", gate.port()));
            try (LeaderElection election = election(through, status, new Recorder())) {
                election.start();
                awaitLeader(1);
                gate.freeze();
                await().until(() -> status.view().role() == LeaderStatus.Role.DISCONNECTED);
                int before = gate.accepted();
                await("several tries without an answer").until(() -> gate.accepted() >= before + 3);
                gate.thaw();

                awaitLeader(2);
                await().until(() -> leaderSessions() == 1);
                // What arrives late is closed, too.
                await().during(Duration.ofSeconds(2))
                        .atMost(Duration.ofSeconds(60))
                        .until(() -> leaderSessions() == 1);
            }
        }
        await().until(() -> leaderSessions() == 0);
    }
}
