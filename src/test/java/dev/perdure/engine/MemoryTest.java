package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.Slow;
import dev.perdure.testing.TestDatabase;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** More instances than there is room for in the worker's memory. */
@Slow("more instances than memory holds")
class MemoryTest {

    private final TestDatabase database = PostgresServer.get().newDatabase();

    /** What an instance takes whose texts have 10 kB, and its step's result. */
    private static final int INSTANCE = 64 * 1024;

    private static final String LARGE = " || ' /*' || repeat('x', 10000) || '*/'";

    private static final Map<String, String> TIMERS_LEAVE_MEMORY = Map.of("perdure.timer.window", "1s");

    private InProcessWorker workerWithRoomFor(int instances) {
        return workerWithRoomFor(instances, Map.of());
    }

    private InProcessWorker workerWithRoomFor(int instances, Map<String, String> more) {
        Map<String, String> settings = new HashMap<>(more);
        settings.put("perdure.memory.limit", String.valueOf(instances * INSTANCE));
        settings.put("perdure.step.max-concurrent", "8");
        return InProcessWorker.start(database, settings);
    }

    @Test
    void a_role_whose_steps_are_slow_leaves_room_for_another_role() throws SQLException {
        try (InProcessWorker worker = workerWithRoomFor(16);
                Submitter slow = Submitter.of(database, "memory_slow");
                Submitter quick = Submitter.of(database, "memory_quick")) {
            slow.value("SELECT count(df.start('SELECT pg_sleep(600)'" + LARGE + ")) FROM generate_series(1, 100)");
            slow.awaitValue("4", "SELECT count(*) FROM df.nodes WHERE status = 'running'");

            for (int i = 0; i < 20; i++) {
                assertThat(quick.run("'SELECT 1' ~> 'SELECT 2'").status()).isEqualTo("completed");
            }

            assertThat(worker.statistics().liveInstances()).isLessThanOrEqualTo(24);
            assertThat(worker.statistics().memoryBytes()).isLessThanOrEqualTo(16 * INSTANCE);
            assertThat(worker.statistics().waitingInstances())
                    .as("those for which there is no room")
                    .isGreaterThanOrEqualTo(80);
            slow.value("SELECT count(df.cancel(id)) FROM df.instances WHERE status IN ('pending', 'running')");
            slow.awaitValue("100", "SELECT count(*) FROM df.instances WHERE output IS NOT NULL");
        }
    }

    @Test
    void variables_count_as_large_as_they_are_read_and_not_as_they_are_stored() throws SQLException {
        try (Submitter app = Submitter.of(database, "memory_vars");
                Submitter owner = Submitter.at(database.url())) {
            String id = app.value("SELECT df.start('SELECT 1', options => jsonb_build_object('vars',"
                    + " jsonb_build_object('v', repeat('x', 1000000))))");
            assertThat(Integer.parseInt(String.valueOf(owner.value("SELECT df._bytes(?)", id))))
                    .isGreaterThan(1_000_000);
            String small = app.value("SELECT df.start('SELECT 1', options => '{\"vars\": {\"v\": \"x\"}}')");
            assertThat(Integer.parseInt(String.valueOf(owner.value("SELECT df._bytes(?)", small))))
                    .isBetween(10, 500);
        }
    }

    @Test
    void a_role_with_many_instances_has_them_all_done() throws SQLException {
        try (InProcessWorker worker = workerWithRoomFor(4);
                Submitter app = Submitter.of(database, "memory_many")) {
            app.value("SELECT count(df.start('SELECT 1' ~> ('SELECT 2'" + LARGE + "))) FROM generate_series(1, 60)");
            app.awaitValue("60", "SELECT count(*) FROM df.instances WHERE status = 'completed'");
            await().until(() -> worker.statistics().liveInstances() == 0);
        }
    }

    @Test
    void signals_reach_all_that_wait_outside_of_memory() throws SQLException {
        try (InProcessWorker worker = workerWithRoomFor(8);
                Submitter app = Submitter.of(database, "memory_waiting")) {
            // More than are loaded at a time.
            app.value("SELECT count(df.start(df.wait_for_signal('go', 3600) ~> ('SELECT 1'" + LARGE + ")))"
                    + " FROM generate_series(1, 120)");
            app.awaitValue("120", "SELECT count(*) FROM df.nodes WHERE node_type = 'SIGNAL' AND status = 'running'");
            assertThat(worker.statistics().liveInstances()).isLessThanOrEqualTo(12);

            app.value("SELECT count(df.signal(id, 'go')) FROM df.instances");

            app.awaitValue("120", "SELECT count(*) FROM df.instances WHERE status = 'completed'");
        }
    }

    /** Each look for its signal takes memory, which only those that look could give. */
    @Test
    void small_instances_that_wait_for_signals_do_not_fill_the_memory_of_their_role() throws SQLException {
        try (InProcessWorker worker = workerWithRoomFor(16);
                Submitter app = Submitter.of(database, "memory_small_waits")) {
            app.value("SELECT count(df.start(df.wait_for_signal('go', 3600))) FROM generate_series(1, 500)");

            app.awaitValue("500", "SELECT count(*) FROM df.nodes WHERE node_type = 'SIGNAL' AND status = 'running'");
            assertThat(app.run("'SELECT 1'").status()).isEqualTo("completed");
            app.value("SELECT count(df.signal(id, 'go')) FROM df.instances WHERE status = 'running'");
            app.awaitValue("501", "SELECT count(*) FROM df.instances WHERE status = 'completed'");
            await().until(() -> worker.statistics().memoryBytes() == 0);
        }
    }

    @Test
    void timers_that_are_due_together_come_in_as_there_is_room() throws SQLException {
        try (InProcessWorker worker = workerWithRoomFor(8);
                Submitter app = Submitter.of(database, "memory_asleep")) {
            app.value("SELECT count(df.start(df.sleep(2) ~> ('SELECT 1'" + LARGE + "))) FROM generate_series(1, 60)");
            app.awaitValue("60", "SELECT count(*) FROM df.instances WHERE status = 'completed'");
            await().until(() -> worker.statistics().liveInstances() == 0);
        }
    }

    @Test
    void slow_steps_of_two_roles_leave_room_for_what_a_third_goes_on_with() throws SQLException {
        try (InProcessWorker worker = workerWithRoomFor(16, TIMERS_LEAVE_MEMORY);
                Submitter first = Submitter.of(database, "memory_slow_1");
                Submitter second = Submitter.of(database, "memory_slow_2");
                Submitter quick = Submitter.of(database, "memory_goes_on")) {
            String waiting = quick.start("df.wait_for_signal('go', 3600) ~> 'SELECT 1'");
            quick.awaitValue("1", "SELECT count(*) FROM df.nodes WHERE node_type = 'SIGNAL' AND status = 'running'");
            for (Submitter slow : List.of(first, second)) {
                slow.value("SELECT count(df.start('SELECT pg_sleep(600)'" + LARGE + ")) FROM generate_series(1, 100)");
            }
            first.awaitValue("t", "SELECT count(*) >= 3 FROM df.nodes WHERE status = 'running'");
            second.awaitValue("t", "SELECT count(*) >= 1 FROM df.nodes WHERE status = 'running'");
            await().until(() -> worker.statistics().waitingInstances() >= 150);

            assertThat(quick.run("df.sleep(3) ~> 'SELECT 1'").status()).isEqualTo("completed");

            String running = quick.start("df.sleep(3) ~> 'SELECT 1'");
            quick.awaitValue("running", "SELECT df.status(?)", running);
            worker.loseMemory();
            assertThat(quick.await(running).status()).isEqualTo("completed");

            quick.value("SELECT df.signal(?, 'go')", waiting);
            assertThat(quick.await(waiting).status()).isEqualTo("completed");
            assertThat(worker.statistics().liveInstances()).isLessThanOrEqualTo(24);
        }
    }

    @Test
    void one_role_that_wakes_into_slow_steps_leaves_room_for_the_timers_of_another() throws SQLException {
        try (InProcessWorker worker = workerWithRoomFor(16, TIMERS_LEAVE_MEMORY);
                Submitter slow = Submitter.of(database, "memory_wakes");
                Submitter quick = Submitter.of(database, "memory_sleeps")) {
            slow.value("SELECT count(df.start(df.sleep(3) ~> ('SELECT pg_sleep(600)'" + LARGE
                    + "))) FROM generate_series(1, 100)");
            slow.awaitValue("100", "SELECT count(*) FROM df.nodes WHERE node_type = 'SLEEP' AND status <> 'pending'");
            await().until(() -> worker.statistics().waitingInstances() >= 80);

            assertThat(quick.run("df.sleep(3) ~> 'SELECT 1'").status()).isEqualTo("completed");

            String running = quick.start("df.sleep(3) ~> 'SELECT 1'");
            quick.awaitValue("running", "SELECT df.status(?)", running);
            worker.loseMemory();
            assertThat(quick.await(running).status()).isEqualTo("completed");
        }
    }

    /** Results of 0.8 MB in 6 MB of memory: what reading them may take is all that one role can have. */
    private static final String LARGE_RESULTS =
            "'SELECT repeat(''x'', 400000) AS v' |=> 'a' ~> 'SELECT repeat(''y'', 400000) AS v' |=> 'b'";

    @Test
    void a_large_instance_goes_on_after_a_restart_while_another_role_has_something_in_memory() throws SQLException {
        try (InProcessWorker worker = workerWithRoomFor(96);
                Submitter other = Submitter.of(database, "memory_beside_large");
                Submitter large = Submitter.of(database, "memory_large")) {
            other.value("SELECT count(df.start('SELECT pg_sleep(600)'" + LARGE + ")) FROM generate_series(1, 4)");
            other.awaitValue("4", "SELECT count(*) FROM df.nodes WHERE status = 'running'");
            String id = large.start(LARGE_RESULTS + " ~> df.wait_for_signal('go')"
                    + " ~> 'SELECT repeat(''z'', 150000) AS v' |=> 'c' ~> 'SELECT length($c) AS l'");
            large.awaitValue("1", "SELECT count(*) FROM df.nodes WHERE node_type = 'SIGNAL' AND status = 'running'");
            worker.loseMemory();

            large.value("SELECT df.signal(?, 'go')", id);

            assertThat(large.await(id).output()).contains("{\"l\":150000}");
        }
    }

    @Test
    void a_large_instance_comes_in_beside_many_small_ones_that_come_and_go() throws SQLException {
        try (InProcessWorker worker = workerWithRoomFor(96);
                Submitter other = Submitter.of(database, "memory_flow");
                Submitter large = Submitter.of(database, "memory_in_turn")) {
            String id = large.start(LARGE_RESULTS + " ~> df.wait_for_signal('go') ~> 'SELECT 42 AS l'");
            large.awaitValue("1", "SELECT count(*) FROM df.nodes WHERE node_type = 'SIGNAL' AND status = 'running'");
            other.value("SELECT count(df.start(df.loop('SELECT pg_sleep(0.2)'" + LARGE
                    + "))) FROM generate_series(1, 100)");
            other.awaitValue("t", "SELECT count(*) >= 6 FROM df.nodes WHERE status = 'running' AND node_type = 'SQL'");
            worker.loseMemory();
            await().until(() -> worker.statistics().waitingInstances() >= 20);

            large.value("SELECT df.signal(?, 'go')", id);

            assertThat(large.await(id).output()).contains("{\"l\":42}");
        }
    }

    @Test
    void a_take_over_finds_each_that_has_something_to_do_once_and_leaves_those_that_sleep() throws SQLException {
        try (Submitter app = Submitter.of(database, "memory_left");
                Submitter owner = Submitter.at(database.url())) {
            List<String> waiting = new ArrayList<>();
            Set<String> awake = new HashSet<>();
            try (InProcessWorker worker = workerWithRoomFor(64)) {
                // Of one transaction.
                app.rows("SELECT df.start(df.sleep(3600)) FROM generate_series(1, 4)");
                app.rows("SELECT df.start(df.wait_for_signal('go')) FROM generate_series(1, 3)")
                        .forEach(row -> waiting.add(String.valueOf(row.get(0))));
                app.rows("SELECT df.start('SELECT pg_sleep(600)') FROM generate_series(1, 3)")
                        .forEach(row -> awake.add(String.valueOf(row.get(0))));
                app.awaitValue("10", "SELECT count(*) FROM df.nodes WHERE status = 'running'");
                assertThat(worker.leaderStatus().epoch()).isEqualTo(1);
            }
            app.value("SELECT df.signal(?, 'go')", waiting.get(1));
            awake.add(waiting.get(1));

            long epoch = Long.parseLong(String.valueOf(owner.value("SELECT epoch FROM df._begin_term()")));
            List<String> found = new ArrayList<>();
            String snapshot = owner.value("SELECT detail FROM df._news(?, NULL, 10, 100)", epoch);
            long xid = 0;
            String id = "";
            List<List<String>> page = page(owner, epoch, snapshot, xid, id);
            while (true) {
                for (List<String> row : page) {
                    found.add(row.get(0));
                    assertThat(row.get(1)).isEqualTo(app.value("SELECT 'memory_left'::regrole::oid"));
                    xid = Long.parseLong(row.get(3));
                    id = row.get(4);
                }
                if (page.size() < 2) {
                    break;
                }
                page = page(owner, epoch, snapshot, xid, id);
            }

            assertThat(found).containsExactlyInAnyOrderElementsOf(awake);
        }
    }

    private static List<List<String>> page(Submitter owner, long epoch, String snapshot, long xid, String id)
            throws SQLException {
        return owner.rows("SELECT * FROM df._left(?, ?, ?, ?, 2)", epoch, snapshot, xid, id).stream()
                .map(row -> row.stream().map(String::valueOf).toList())
                .toList();
    }
}
