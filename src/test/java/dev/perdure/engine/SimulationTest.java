package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.flow.Checkpoint;
import dev.perdure.graph.GraphDraft;
import dev.perdure.graph.NodeRow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The engine in virtual time: whatever order things happen in, every effect is committed once, with its checkpoint, and every instance
 * ends. A seed repeats its run.
 */
class SimulationTest {

    private static final long MEMORY = 64L << 20;
    /** Thousands of runs break down on purpose: what they log is told by nobody. */
    private static final java.util.logging.Logger LOG = java.util.logging.Logger.getLogger("dev.perdure.engine");

    static final int SEEDS = Integer.getInteger("simulation.seeds", 400);

    @BeforeAll
    static void beSilent() {
        LOG.setLevel(java.util.logging.Level.OFF);
    }

    @AfterAll
    static void speakAgain() {
        LOG.setLevel(null);
    }

    @Test
    void every_effect_happens_once_and_every_instance_ends() {
        for (long seed = 1; seed <= SEEDS; seed++) {
            new Run(seed).play(0);
        }
    }

    @Test
    void also_when_terms_end_in_the_middle_and_the_former_leader_does_not_know() {
        for (long seed = 1; seed <= SEEDS; seed++) {
            new Run(seed).play(3);
        }
        assertThat(SimFaults.MET)
                .as("what was met")
                .containsKeys(
                        "broken: answer, IllegalStateException",
                        "broken: answer, NoClassDefFoundError",
                        "broken: answer, StackOverflowError",
                        "activity: completed",
                        "activity: failed",
                        "activity: refused",
                        "broken: beside, IllegalStateException",
                        "broken: decision, IllegalStateException",
                        "broken: decision, NoClassDefFoundError",
                        "broken: decision, StackOverflowError",
                        "broken: exchange, IllegalStateException",
                        "broken: exchange, NoClassDefFoundError",
                        "broken: statement, IllegalStateException",
                        "broken: statement, NoClassDefFoundError",
                        "broken: statement, StackOverflowError",
                        "commit: CONNECTION_LOST",
                        "commit: FENCED",
                        "commit: LOCK_TIMEOUT",
                        "commit: STALE",
                        "http: CANCELED",
                        "http: CONNECTION_FAILED",
                        "http: FAILED",
                        "http: STATUS_5XX",
                        "http: an answer",
                        "http: received again",
                        "http: received once",
                        "items: committed together",
                        "items: lost, and not committed",
                        "items: large",
                        "items: later",
                        "items: lost, but committed",
                        "lost, but committed",
                        "lost, and not committed",
                        "owner: Locked",
                        "owner: Stale",
                        "owner: answer lost",
                        "owner: fenced",
                        "owner: large",
                        "statement: CANCELED",
                        "statement: CONNECTION_LOST",
                        "statement: TRANSIENT");
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void a_run_is_repeated_by_its_seed(long seed) {
        assertThat(new Run(seed).play(2)).isEqualTo(new Run(seed).play(2));
    }

    @Test
    void what_follows_a_step_that_cancels_its_own_instance_never_happens() {
        for (long seed = 1; seed <= SEEDS; seed++) {
            Random random = new Random(seed);
            SimScheduler scheduler = new SimScheduler(random);
            SimDatabase database = new SimDatabase(scheduler);
            SimWorker worker = new SimWorker(scheduler, database, new SimFaults(random, true, 20), MEMORY);
            worker.start();
            GraphDraft draft = new GraphDraft();
            String root =
                    draft.then(draft.sql("SELECT before"), draft.then(draft.sql("CANCEL"), draft.sql("SELECT after")));
            SimDatabase.Row row = database.start(1, root, draft.rows());
            worker.told();

            assertThat(scheduler.runUntil(() -> row.hasEnded, Duration.ofMinutes(1)))
                    .as("seed %d: %s", seed, row.history)
                    .isTrue();
            assertThat(row.status).as("seed %d", seed).isEqualTo("cancelled");
            assertThat(row.effects.keySet()).as("seed %d", seed).containsExactlyInAnyOrder("SELECT before", "CANCEL");
        }
    }

    @Test
    void an_instance_whose_last_step_cancels_it_is_counted_as_cancelled() {
        for (long seed = 1; seed <= SEEDS / 8; seed++) {
            Random random = new Random(seed);
            SimScheduler scheduler = new SimScheduler(random);
            SimDatabase database = new SimDatabase(scheduler);
            SimWorker worker = new SimWorker(scheduler, database, new SimFaults(random, true, 40), MEMORY);
            worker.start();
            GraphDraft draft = new GraphDraft();
            SimDatabase.Row row =
                    database.start(1, draft.then(draft.sql("SELECT before"), draft.sql("CANCEL")), draft.rows());
            worker.told();

            assertThat(scheduler.runUntil(() -> row.hasEnded, Duration.ofMinutes(1)))
                    .as("seed %d: %s", seed, row.history)
                    .isTrue();
            assertThat(row.status).as("seed %d", seed).isEqualTo("cancelled");
            scheduler.runUntil(() -> false, Duration.ofSeconds(10));
            assertThat(worker.statistics.instancesEnded(Checkpoint.InstanceEnd.Status.COMPLETED))
                    .as("seed %d: counted as completed", seed)
                    .isZero();
        }
    }

    /** A term that ends in order still writes what was decided before. */
    @Test
    void a_map_whose_items_cannot_begin_any_more_has_not_ended() {
        for (long seed = 1; seed <= SEEDS / 8; seed++) {
            Random random = new Random(seed);
            SimScheduler scheduler = new SimScheduler(random);
            SimDatabase database = new SimDatabase(scheduler);
            SimWorker worker = new SimWorker(scheduler, database, SimFaults.none(random), MEMORY);
            worker.start();
            GraphDraft draft = new GraphDraft();
            String body = draft.then(draft.sql("SELECT 1"), draft.sql("SELECT 2"));
            SimDatabase.Row row = database.start(1, draft.map(draft.sql("ITEMS 40"), body, 3, false), draft.rows());
            worker.told();
            scheduler.runUntil(() -> false, Duration.ofMillis(random.nextInt(60)));
            worker.parts.actors().refuse();
            scheduler.runUntil(() -> false, Duration.ofSeconds(1));
            worker.stop();
            new SimWorker(scheduler, database, SimFaults.none(random), MEMORY).start();

            assertThat(scheduler.runUntil(() -> row.hasEnded, Duration.ofMinutes(5)))
                    .as("seed %d: %s", seed, row.history)
                    .isTrue();
            assertThat(row.status).as("seed %d", seed).isEqualTo("completed");
            assertThat(database.maps.ended("completed"))
                    .as("items that have happened, seed %d", seed)
                    .isEqualTo(40);
        }
    }

    /**
     * Only the next worker, who cannot know, may send it again; and df.retry; and one who reads the instance again while the request is under
     * way, since the answer to something else of it was lost: so nothing else is under way here.
     */
    @Test
    void a_worker_sends_each_request_once() {
        for (long seed = 1; seed <= SEEDS / 4; seed++) {
            Random random = new Random(seed);
            SimScheduler scheduler = new SimScheduler(random);
            SimDatabase database = new SimDatabase(scheduler);
            SimWorker worker = new SimWorker(scheduler, database, new SimFaults(random, true, 10), MEMORY);
            worker.start();
            List<SimDatabase.Row> rows = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                GraphDraft draft = new GraphDraft();
                String root = draft.then(
                        request(draft, i + "/1"),
                        draft.then(
                                draft.sql("SELECT 1"), draft.then(request(draft, i + "/2"), request(draft, i + "/3"))));
                rows.add(database.start(1 + i % 3, root, draft.rows()));
                worker.told();
            }
            // Of one that nobody wants any more the slot is free at once.
            scheduler.runUntil(() -> false, Duration.ofMillis(random.nextInt(200)));
            database.cancel(rows.get(0), "no longer wanted");
            worker.told();

            assertThat(scheduler.runUntil(() -> rows.stream().allMatch(row -> row.hasEnded), Duration.ofMinutes(5)))
                    .as("seed %d: %s", seed, worker)
                    .isTrue();
            assertThat(database.server.mostByOneWorker()).as("seed %d", seed).isLessThanOrEqualTo(1);
            scheduler.runUntil(() -> false, Duration.ofSeconds(5));
            assertThat(worker.web.open() + worker.http().inUse())
                    .as("seed %d", seed)
                    .isZero();
            database.check(Set.of());
        }
    }

    private static String request(GraphDraft draft, String path) {
        return draft.leaf(
                "HTTP",
                "{\"url\":\"http://server/" + path
                        + "\",\"method\":\"POST\",\"body\":null,\"headers\":null,\"timeout_seconds\":30}");
    }

    /** Each has the memory for its definition, and none for what its statement returns: neither gives way by itself. */
    @Test
    void two_roles_whose_statements_wait_for_memory_do_not_wait_for_each_other() {
        for (long seed = 1; seed <= 20; seed++) {
            Random random = new Random(seed);
            SimScheduler scheduler = new SimScheduler(random);
            SimDatabase database = new SimDatabase(scheduler);
            SimWorker worker = new SimWorker(scheduler, database, SimFaults.none(random), 150 * 1024);
            worker.start();
            List<SimDatabase.Row> rows = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                GraphDraft draft = new GraphDraft();
                rows.add(database.start(1 + i % 2, draft.sql("LARGE 1"), draft.rows()));
            }
            worker.told();

            assertThat(scheduler.runUntil(() -> rows.stream().allMatch(row -> row.hasEnded), Duration.ofMinutes(5)))
                    .as("seed %d: %s", seed, worker)
                    .isTrue();
        }
    }

    /** A statement that is cancelled to make room may have ended before the request is there. */
    @Test
    void statements_that_make_room_for_roles_without_a_session_run_again_and_nothing_fails() {
        for (long seed = 1; seed <= SEEDS; seed++) {
            Random random = new Random(seed);
            SimScheduler scheduler = new SimScheduler(random);
            SimDatabase database = new SimDatabase(scheduler);
            SimWorker worker = new SimWorker(scheduler, database, SimFaults.none(random), MEMORY, 3, 0);
            worker.start();
            List<SimDatabase.Row> rows = new ArrayList<>();
            for (int role = 1; role <= 4; role++) {
                for (int i = 0; i < 5; i++) {
                    GraphDraft draft = new GraphDraft();
                    String root =
                            draft.then(draft.sql("LONG 1"), draft.then(draft.sql("SELECT 2"), draft.sql("LONG 3")));
                    rows.add(database.start(role, root, draft.rows()));
                }
                worker.told();
                // The first role has two sessions before the others come.
                scheduler.runUntil(() -> false, Duration.ofMillis(300));
            }
            // Who wanted room may not want it any more when it is there.
            scheduler.runUntil(() -> false, Duration.ofMillis(random.nextInt(800)));
            rows.subList(10, 20).forEach(row -> database.cancel(row, "no longer wanted"));
            worker.told();

            assertThat(scheduler.runUntil(() -> rows.stream().allMatch(row -> row.hasEnded), Duration.ofMinutes(5)))
                    .as("seed %d: %s", seed, worker)
                    .isTrue();
            assertThat(rows.subList(0, 10)).as("seed %d", seed).allSatisfy(row -> assertThat(row.status)
                    .isEqualTo("completed"));
            database.check(Set.of());
        }
        assertThat(SimFaults.MET).containsKey("statement: CANCELED");
    }

    @Test
    void a_statement_that_is_interrupted_on_its_way_to_the_server_ends_too() {
        for (long seed = 1; seed <= SEEDS; seed++) {
            Random random = new Random(seed);
            SimScheduler scheduler = new SimScheduler(random);
            SimDatabase database = new SimDatabase(scheduler);
            SimWorker worker = new SimWorker(scheduler, database, SimFaults.none(random), MEMORY);
            worker.start();
            GraphDraft draft = new GraphDraft();
            String root = draft.limited(draft.sql("SLOW"), 1 + random.nextInt(3), draft.sql("SELECT otherwise"));
            SimDatabase.Row row = database.start(1, root, draft.rows());
            worker.told();

            assertThat(scheduler.runUntil(
                            () -> row.hasEnded && worker.parts.sql().inUse() == 0, Duration.ofSeconds(5)))
                    .as("seed %d: %s", seed, worker)
                    .isTrue();
            assertThat(row.effects).as("seed %d", seed).isEqualTo(java.util.Map.of("SELECT otherwise", 1));
        }
        assertThat(SimFaults.MET).containsKeys("cancel", "cancel: met no statement");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-PT1H", "PT1H", "-P30D"})
    void nothing_waits_longer_than_its_text_says_when_the_servers_clock_is_set(Duration by) {
        Random random = new Random(18);
        SimScheduler scheduler = new SimScheduler(random);
        SimDatabase database = new SimDatabase(scheduler);
        SimWorker worker = new SimWorker(scheduler, database, SimFaults.none(random), MEMORY);
        worker.start();
        List<SimDatabase.Row> rows = new ArrayList<>();
        List<Function<GraphDraft, String>> waiting = List.of(
                draft -> draft.sleep("20"),
                draft -> draft.leaf("SIGNAL", "{\"signal_name\":\"never\",\"timeout_seconds\":20}"),
                draft -> draft.retry(draft.sql("FAIL"), 4, null),
                draft -> draft.limited(draft.leaf("SIGNAL", "{\"signal_name\":\"never\"}"), 20_000, null),
                draft -> draft.loop(draft.sql("SELECT 1"), draft.sql("SELECT maybe 1")),
                // A branch that runs on keeps the instance awake.
                draft -> draft.join(draft.sleep("20"), draft.loop(draft.sql("SELECT 2"), draft.sql("SELECT maybe 2"))));
        for (Function<GraphDraft, String> workflow : waiting) {
            for (int i = 0; i < 10; i++) {
                GraphDraft draft = new GraphDraft();
                String root = workflow.apply(draft);
                rows.add(database.start(1, root, draft.rows()));
            }
        }
        worker.told();
        scheduler.runUntil(() -> false, Duration.ofMillis(1500));
        database.clockSet = by;

        assertThat(scheduler.runUntil(() -> rows.stream().allMatch(row -> row.hasEnded), Duration.ofSeconds(60)))
                .as(
                        "%s",
                        rows.stream()
                                .filter(row -> !row.hasEnded)
                                .map(row -> row.history)
                                .toList())
                .isTrue();
    }

    /** Statements of a random workflow are known by the number of their node. */
    static final class Run {

        /** All have ended: nobody lets one go on any more. */
        private boolean isOver;
        /** How many maps are around what is being built. */
        private int requests;

        private int itemDepth;

        private final Random random;
        private final SimScheduler scheduler;
        private final SimDatabase database;
        private final SimFaults faults;
        private final long seed;

        Run(long seed) {
            this.seed = seed;
            this.random = new Random(seed);
            this.scheduler = new SimScheduler(random);
            this.database = new SimDatabase(scheduler);
            this.faults = new SimFaults(random, true, 8 + random.nextInt(60)).breaking();
        }

        String play(int terms) {
            try {
                return run(terms);
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
            }
        }

        private String run(int terms) {
            List<SimWorker> workers = new ArrayList<>();
            workers.add(new SimWorker(scheduler, database, faults, MEMORY));
            workers.get(0).start();
            int instances = 2 + random.nextInt(6);
            for (int i = 0; i < instances; i++) {
                scheduler.after(random.nextInt(300_000_000), () -> {
                    GraphDraft draft = new GraphDraft();
                    String root = node(draft, 3);
                    List<NodeRow> rows = draft.rows();
                    SimDatabase.Row row = database.start(1 + random.nextInt(3), root, rows);
                    current(workers).told();
                    disturb(row, workers);
                });
            }
            for (int i = 0; i < terms; i++) {
                scheduler.after(random.nextInt(2_000_000_000), () -> {
                    SimWorker former = current(workers);
                    // Killed, or paused: then it goes on for a while and does not know.
                    if (random.nextBoolean()) {
                        former.stop();
                    } else {
                        scheduler.after(random.nextInt(1_000_000_000), former::stop);
                    }
                    begin(workers);
                });
            }
            boolean[] replaced = new boolean[1];
            scheduler.every(Duration.ofMillis(200), () -> {
                if (current(workers).isOver) {
                    current(workers).stop();
                    begin(workers);
                    replaced[0] = true;
                }
            });
            int[] started = new int[1];
            boolean ended = scheduler.runUntil(
                    () -> {
                        started[0] = 0;
                        for (SimDatabase.Row row : database.rows()) {
                            started[0]++;
                            if (!row.hasEnded) {
                                return false;
                            }
                        }
                        return started[0] == instances;
                    },
                    Duration.ofMinutes(10));
            StringBuilder log = new StringBuilder();
            for (SimDatabase.Row row : database.rows()) {
                log.append(row.id)
                        .append(' ')
                        .append(row.status)
                        .append(' ')
                        .append(row.history.size())
                        .append('\n');
                if (!row.hasEnded) {
                    log.append("  ").append(row.history).append('\n');
                }
            }
            isOver = true;
            assertThat(ended).as("every instance ends:\n%s", log).isTrue();
            // What the server still does for sessions that were lost.
            scheduler.runUntil(() -> false, Duration.ofSeconds(10));
            database.check(Set.of());
            SimWorker last = current(workers);
            assertThat(last.steps.open()).as("sessions in use at the end").isZero();
            assertThat(last.parts.sql().inUse()).as("slots in use at the end").isZero();
            assertThat(last.http().inUse() + last.http().queued())
                    .as("requests at the end: %s", last)
                    .isZero();
            assertThat(last.web.open()).as("requests under way at the end").isZero();
            database.server.check();
            assertThat(last.parts.memory().taken())
                    .as("memory taken at the end")
                    .isZero();
            assertThat(last.parts.actors().size())
                    .as("instances in memory at the end")
                    .isZero();
            return log.toString();
        }

        private void begin(List<SimWorker> workers) {
            SimWorker next = new SimWorker(scheduler, database, faults, MEMORY);
            workers.add(next);
            next.start();
        }

        private static SimWorker current(List<SimWorker> workers) {
            return workers.get(workers.size() - 1);
        }

        /** What its users do to an instance: cancel, signal, lock its row for a while. */
        private void disturb(SimDatabase.Row row, List<SimWorker> workers) {
            if (random.nextInt(4) == 0) {
                scheduler.after(random.nextInt(1_500_000_000), () -> {
                    database.cancel(row, "enough");
                    current(workers).told();
                });
            }
            for (int i = 0; i < 4; i++) {
                scheduler.after(random.nextInt(2_000_000_000) + i * 500_000_000L, () -> {
                    database.signal(row, "go");
                    current(workers).told();
                });
            }
            // One that waits for a signal gets one in the end.
            scheduler.every(Duration.ofSeconds(5), () -> {
                if (!row.hasEnded) {
                    database.signal(row, "go");
                }
                // Leaders that end again and again, whoever ends them, look like its doing.
                if (row.isSetAside) {
                    database.resume(row);
                    current(workers).told();
                }
            });
            if (random.nextInt(3) == 0) {
                int most = 1 + random.nextInt(2);
                scheduler.every(Duration.ofMillis(20 + random.nextInt(400)), () -> {
                    if (!isOver && row.redrives < most && database.redrive(row)) {
                        SimFaults.met("redrive");
                        current(workers).told();
                    }
                });
            }
            if (random.nextInt(3) == 0) {
                scheduler.after(random.nextInt(1_000_000_000), () -> {
                    row.isLocked = true;
                    scheduler.after(random.nextInt(2_000_000_000) * 3L, () -> row.isLocked = false);
                });
            }
        }

        private String node(GraphDraft draft, int depth) {
            if (depth == 0) {
                return leaf(draft);
            }
            return switch (random.nextInt(12)) {
                case 10 -> map(draft, depth);
                case 9 ->
                    draft.saga(draft.then(
                            draft.withUndo(
                                    node(draft, depth - 1),
                                    draft.retry(undo(draft), 2, null),
                                    random.nextBoolean() ? "after" : "before"),
                            node(draft, depth - 1)));
                case 0, 1, 2, 3 -> draft.then(node(draft, depth - 1), node(draft, depth - 1));
                case 4 -> draft.join(node(draft, depth - 1), node(draft, depth - 1));
                case 5 -> draft.race(node(draft, depth - 1), node(draft, depth - 1));
                case 8 ->
                    draft.limited(
                            node(draft, depth - 1),
                            1 + random.nextInt(400),
                            random.nextBoolean() ? null : node(draft, depth - 1));
                case 6 -> draft.retry(node(draft, depth - 1), 1 + random.nextInt(3), null);
                case 7 ->
                    random.nextBoolean()
                            ? draft.loop(draft.then(node(draft, depth - 1), draft.leave("done")))
                            : draft.loop(
                                    node(draft, depth - 1),
                                    draft.sql("SELECT maybe " + draft.rows().size()));
                default -> leaf(draft);
            };
        }

        /** One statement, whose items share transactions, or a flow. Nobody sends signals to items. */
        private String map(GraphDraft draft, int depth) {
            if (itemDepth == 2) {
                return leaf(draft);
            }
            String items = draft.sql("ITEMS " + random.nextInt(random.nextBoolean() ? 4 : 40));
            itemDepth++;
            String body =
                    switch (random.nextInt(5)) {
                        case 0, 1 -> leaf(draft);
                        case 2 -> activity(draft);
                        default -> node(draft, Math.min(depth - 1, 1));
                    };
            itemDepth--;
            return draft.map(items, body, 1 + random.nextInt(5), random.nextBoolean());
        }

        /** Nobody but a map has one, whose items are decided by programs. */
        private String activity(GraphDraft draft) {
            return draft.leaf(
                    "ACTIVITY", "{\"kind\":\"work\",\"payload\":\"{}\",\"lease_ms\":60000,\"max_attempts\":20}");
        }

        private String undo(GraphDraft draft) {
            return draft.sql((random.nextInt(4) == 0 ? "FAIL " : "SELECT effect ")
                    + draft.rows().size());
        }

        /** Each has an address of its own. */
        private String request(GraphDraft draft) {
            return SimulationTest.request(draft, seed + "/" + requests++);
        }

        private String leaf(GraphDraft draft) {
            return switch (random.nextInt(14)) {
                case 12, 13 -> request(draft);
                case 0 -> draft.sleep(String.valueOf(random.nextInt(3)));
                case 1 ->
                    itemDepth > 0
                            ? draft.sql("SELECT effect " + draft.rows().size())
                            : draft.leaf(
                                    "SIGNAL",
                                    "{\"signal_name\":\"go\",\"timeout_seconds\":"
                                            + (random.nextBoolean() ? "null" : "2") + "}");
                case 2 -> draft.sql("FAIL " + draft.rows().size());
                case 3 ->
                    draft.sql((random.nextInt(4) == 0 ? "CANCEL " : "SELECT effect ")
                            + draft.rows().size());
                default -> draft.sql("SELECT effect " + draft.rows().size());
            };
        }
    }
}
