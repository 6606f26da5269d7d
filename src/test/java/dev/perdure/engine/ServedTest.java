package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.graph.GraphDraft;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/**
 * Whatever one role does, another one is served: each kind of progress (a start, a step, a timer, a failing step, a signal, a cancel) is
 * there within two seconds, in virtual time.
 */
class ServedTest {

    private static final long ATTACKER = 66;
    private static final long VICTIM = 7;
    private static final Duration LIMIT = Duration.ofSeconds(2);

    private final Random random = new Random(4711);
    private final SimScheduler scheduler = new SimScheduler(random);
    private final SimDatabase database = new SimDatabase(scheduler);
    private SimWorker worker = new SimWorker(scheduler, database, SimFaults.none(random), 64L << 20);

    @Test
    void while_a_role_keeps_the_rows_of_its_instances_locked() {
        beside(() -> {
            for (int i = 0; i < 500; i++) {
                SimDatabase.Row row = start(ATTACKER, draft -> draft.sql("SELECT 1"));
                row.isLocked = true;
                SimDatabase.Row sleeping = start(ATTACKER, draft -> draft.sleep("1"));
                sleeping.isLocked = true;
                SimDatabase.Row failing = start(ATTACKER, draft -> draft.sql("FAIL"));
                failing.isLocked = true;
            }
        });
    }

    @Test
    void while_transactions_of_a_role_sit_in_commit() {
        beside(() -> {
            for (int i = 0; i < 100; i++) {
                start(ATTACKER, draft -> draft.sql("STUCK in commit"));
            }
        });
    }

    @Test
    void while_many_roles_run_statements_that_take_an_hour() {
        beside(() -> {
            for (int role = 100; role < 107; role++) {
                for (int i = 0; i < 10; i++) {
                    start(role, draft -> draft.sql("SLOW"));
                }
            }
        });
    }

    @Test
    void after_a_take_over_in_which_transactions_of_the_former_term_sit_in_commit() {
        List<SimDatabase.Row> stuck = new ArrayList<>();
        beside(() -> {
            for (int i = 0; i < 20; i++) {
                stuck.add(start(ATTACKER, draft -> draft.then(draft.sql("STUCK in commit"), draft.sql("SELECT 2"))));
            }
            scheduler.runUntil(() -> false, Duration.ofMillis(300));
            worker.stop();
            worker = new SimWorker(scheduler, database, SimFaults.none(random), 64L << 20);
            worker.start();
        });
        assertThat(stuck.stream().filter(row -> !row.taking.isEmpty()))
                .as("transactions of the former term are still in commit")
                .isNotEmpty();
        // In the end each of them commits and is seen, or could never commit.
        assertThat(scheduler.runUntil(() -> stuck.stream().allMatch(row -> row.hasEnded), Duration.ofHours(60)))
                .isTrue();
        database.check(java.util.Set.of());
    }

    @Test
    void while_a_role_has_started_more_than_memory_holds() {
        beside(() -> {
            for (int i = 0; i < 5000; i++) {
                start(
                        ATTACKER,
                        draft -> draft.then(draft.sql("SELECT 1"), draft.leaf("SIGNAL", "{\"signal_name\":\"x\"}")));
            }
        });
    }

    private void beside(Runnable attack) {
        worker.start();
        scheduler.runUntil(() -> false, Duration.ofMillis(100));
        attack.run();
        scheduler.runUntil(() -> false, Duration.ofMillis(500));
        for (int i = 0; i < 5; i++) {
            served("a step", start(VICTIM, draft -> draft.sql("SELECT 1")), row -> {});
            served(
                    "a chain",
                    start(VICTIM, draft -> draft.then(draft.sql("SELECT 1"), draft.sql("SELECT 2"))),
                    row -> {});
            served("a timer", start(VICTIM, draft -> draft.sleep("1")), row -> {});
            served("a failing step", start(VICTIM, draft -> draft.sql("FAIL")), row -> {});
            served(
                    "a signal",
                    start(VICTIM, draft -> draft.leaf("SIGNAL", "{\"signal_name\":\"go\"}")),
                    row -> database.signal(row, "go"));
            served("a cancel", start(VICTIM, draft -> draft.sleep("1000")), row -> database.cancel(row, "enough"));
            served(
                    "a cancel of a running statement",
                    start(VICTIM, draft -> draft.sql("SLOW")),
                    row -> scheduler.after(100_000_000, () -> database.cancel(row, "enough")));
        }
    }

    private SimDatabase.Row start(long role, Function<GraphDraft, String> workflow) {
        GraphDraft draft = new GraphDraft();
        String root = workflow.apply(draft);
        SimDatabase.Row row = database.start(role, root, draft.rows());
        worker.told();
        return row;
    }

    private void served(String what, SimDatabase.Row row, Consumer<SimDatabase.Row> then) {
        then.accept(row);
        worker.told();
        assertThat(scheduler.runUntil(() -> row.hasEnded, LIMIT))
                .as(
                        "%s is served beside %s (in memory: %s)",
                        what, worker, worker.parts.actors().get(row.id))
                .isTrue();
    }
}
