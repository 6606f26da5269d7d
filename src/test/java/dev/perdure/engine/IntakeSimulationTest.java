package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.graph.GraphDraft;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The engine in virtual time: who comes into memory, leaves it, and comes in again. */
class IntakeSimulationTest {

    private static final long MEMORY = 64L << 20;
    private static final String GO = "{\"signal_name\":\"go\"}";

    @BeforeAll
    static void beSilent() {
        SimulationTest.beSilent();
    }

    @AfterAll
    static void speakAgain() {
        SimulationTest.speakAgain();
    }

    /** A database, and a worker that serves it. */
    private static final class Scene {

        final Random random;
        final SimScheduler scheduler;
        final SimDatabase database;
        final List<SimDatabase.Row> rows = new ArrayList<>();
        private final long seed;
        private final SimFaults faults;
        private final long memory;
        SimWorker worker;

        /** @param areFaulty whether answers are lost and the like */
        Scene(long seed, boolean areFaulty, long memory) {
            this.seed = seed;
            this.memory = memory;
            random = new Random(seed);
            scheduler = new SimScheduler(random);
            database = new SimDatabase(scheduler);
            faults = areFaulty ? new SimFaults(random, true, 20) : SimFaults.none(random);
            worker = newWorker();
        }

        private SimWorker newWorker() {
            SimWorker begun = new SimWorker(scheduler, database, faults, memory);
            begun.start();
            return begun;
        }

        /** Another worker takes over. */
        void takeOver() {
            worker.stop();
            worker = newWorker();
        }

        void start(long role, boolean isHeld, GraphDraft draft, String root) {
            rows.add(isHeld ? database.startHeld(role, root, draft.rows()) : database.start(role, root, draft.rows()));
        }

        void signalAll(String name) {
            rows.forEach(row -> database.signal(row, name));
            worker.told();
        }

        void goOnFor(Duration time) {
            scheduler.runUntil(() -> false, time);
        }

        void assertAllEnd() {
            assertThat(scheduler.runUntil(() -> rows.stream().allMatch(row -> row.hasEnded), Duration.ofMinutes(5)))
                    .as("seed %d: %s", seed, worker)
                    .isTrue();
        }

        void assertNoMemoryIsTaken() {
            goOnFor(Duration.ofSeconds(5));
            assertThat(worker.parts.memory().taken())
                    .as("seed %d: memory taken at the end", seed)
                    .isZero();
        }
    }

    /** What a statement returns takes memory, too: half of a role's at a time, and more than the role has left. */
    @Test
    void more_instances_than_memory_holds_come_in_as_there_is_room() {
        for (long seed = 1; seed <= SimulationTest.SEEDS / 8; seed++) {
            Scene scene = new Scene(seed, seed % 2 != 0, 256 * 1024);
            for (int i = 0; i < 60; i++) {
                GraphDraft draft = new GraphDraft();
                String first = i % 3 == 0 ? draft.leaf("SIGNAL", GO) : draft.sql("LARGE 1");
                scene.start(1 + i % 2, false, draft, draft.then(first, draft.sql("LARGE 2")));
            }
            scene.worker.told();
            scene.goOnFor(Duration.ofSeconds(2));
            scene.signalAll("go");

            scene.assertAllEnd();
            scene.database.check(Set.of());
            scene.assertNoMemoryIsTaken();
        }
    }

    /** Some of them must not begin yet; now and then another worker takes over. */
    @Test
    void more_instances_than_memory_holds_are_all_wound_up_when_they_are_cancelled() {
        for (long seed = 1; seed <= SimulationTest.SEEDS / 8; seed++) {
            Scene scene = new Scene(seed, seed % 2 != 0, 256 * 1024);
            for (int i = 0; i < 100; i++) {
                GraphDraft draft = new GraphDraft();
                String first =
                        switch (i % 3) {
                            case 0 -> draft.leaf("SIGNAL", GO);
                            case 1 -> draft.sleep("100");
                            default -> draft.sql("LARGE 1");
                        };
                String never = draft.leaf("SIGNAL", "{\"signal_name\":\"never\"}");
                String root = draft.then(first, draft.then(never, draft.sql("SELECT 1")));
                scene.start(1 + i % 2, i % 7 == 0, draft, root);
            }
            scene.worker.told();
            scene.goOnFor(Duration.ofMillis(scene.random.nextInt(3000)));
            if (scene.random.nextBoolean()) {
                scene.takeOver();
            }
            for (SimDatabase.Row row : scene.rows) {
                long within = scene.random.nextBoolean() ? 1_000_000 : 200_000_000;
                scene.scheduler.after(scene.random.nextLong(within), () -> {
                    scene.database.cancel(row, "enough");
                    scene.worker.told();
                });
                if (scene.random.nextInt(3) == 0) {
                    scene.scheduler.after(scene.random.nextLong(100_000_000), () -> scene.database.signal(row, "go"));
                }
            }

            scene.assertAllEnd();
        }
    }

    /** As a thread that has found it waiting and lets it leave, and the owner's, which tells it at that moment. */
    @Test
    void a_cancel_that_meets_an_instance_on_its_way_out_of_memory_is_not_lost() {
        Scene scene = new Scene(1, false, MEMORY);
        GraphDraft draft = new GraphDraft();
        scene.start(1, false, draft, draft.then(draft.leaf("SIGNAL", GO), draft.sql("SELECT 1")));
        scene.worker.told();
        scene.goOnFor(Duration.ofSeconds(1));
        SimDatabase.Row row = scene.rows.get(0);
        InstanceActor waiting =
                Objects.requireNonNull(scene.worker.parts.actors().get(row.id));
        row.status = "cancelled";
        row.cancelReason = "enough";

        waiting.post((self, drain) -> {
            assertThat(self.cancel("enough")).isTrue();
            scene.worker.parts.actors().leave(self);
            return true;
        });

        scene.assertAllEnd();
    }

    /** A signal has it asked for although it must not begin yet; the look that finds that it may brings it along. */
    @Test
    void one_that_may_begin_while_it_is_asked_for_leaves_out_nobody_who_is_asked_for_with_it() {
        for (long seed = 1; seed <= SimulationTest.SEEDS / 2; seed++) {
            Scene scene = new Scene(seed, false, MEMORY);
            scene.goOnFor(Duration.ofSeconds(1));
            int last = 5;
            for (int i = 0; i <= last; i++) {
                GraphDraft draft = new GraphDraft();
                scene.start(1, i == last, draft, draft.then(draft.leaf("SIGNAL", GO), draft.sql("SELECT 1")));
            }
            scene.signalAll("go");
            scene.scheduler.after(scene.random.nextLong(10_000_000), () -> {
                scene.database.release(scene.rows.get(last));
                scene.worker.told();
            });

            scene.assertAllEnd();
        }
    }

    @Test
    void signals_that_are_larger_in_sum_than_memory_all_arrive() {
        for (long seed = 1; seed <= SimulationTest.SEEDS / 40; seed++) {
            Scene scene = new Scene(seed, seed % 2 == 0, 32L << 20);
            for (int i = 0; i < 100; i++) {
                GraphDraft draft = new GraphDraft();
                String large = draft.leaf("SIGNAL", "{\"signal_name\":\"large\"}");
                scene.start(1, false, draft, draft.then(large, draft.sql("SELECT 1")));
            }
            scene.worker.told();
            scene.goOnFor(Duration.ofSeconds(1));
            scene.signalAll("large");

            scene.assertAllEnd();
            scene.assertNoMemoryIsTaken();
        }
    }

    /** What an exchange reads is bounded in bytes: roles take turns within one, too. */
    @Test
    void a_signal_does_not_wait_for_the_large_ones_of_another_role() {
        for (long seed = 1; seed <= SimulationTest.SEEDS / 40; seed++) {
            Scene scene = new Scene(seed, false, 256L << 20);
            for (int i = 0; i < 101; i++) {
                GraphDraft draft = new GraphDraft();
                scene.start(i == 50 ? 2 : 1, false, draft, draft.leaf("SIGNAL", "{\"signal_name\":\"large\"}"));
            }
            scene.worker.told();
            scene.goOnFor(Duration.ofSeconds(1));
            scene.signalAll("large");

            SimDatabase.Row other = scene.rows.get(50);
            scene.scheduler.runUntil(() -> other.hasEnded, Duration.ofMinutes(1));
            assertThat(scene.rows.stream().filter(row -> row.hasEnded).count())
                    .as("seed %d: ended before the other role's, or with it", seed)
                    .isLessThan(8);
            scene.assertAllEnd();
        }
    }

    /** A page that is read beside the exchanges is older than what they tell; what an earlier term has assigned ends meanwhile. */
    @Test
    void items_that_programs_end_while_they_are_read_are_counted() {
        String activity = "{\"kind\":\"work\",\"payload\":\"{}\",\"lease_ms\":60000,\"max_attempts\":20}";
        for (long seed = 1; seed <= SimulationTest.SEEDS; seed++) {
            Scene scene = new Scene(seed, true, MEMORY);
            GraphDraft draft = new GraphDraft();
            scene.start(1, false, draft, draft.map(draft.sql("ITEMS 40"), draft.leaf("ACTIVITY", activity), 20, true));
            scene.worker.told();
            scene.goOnFor(Duration.ofMillis(scene.random.nextInt(30)));
            scene.takeOver();
            // As NOTIFY has it look while much happens.
            scene.scheduler.every(Duration.ofMillis(5), () -> scene.worker.told());

            scene.assertAllEnd();
        }
    }
}
