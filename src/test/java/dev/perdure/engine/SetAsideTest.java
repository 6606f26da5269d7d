package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.graph.GraphDraft;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** An instance that ends the process of whoever works on it, in virtual time. {@code SetAsideIT} has the same with real processes. */
class SetAsideTest {

    private static final long KILLER = 66;
    private static final long SLOW = 8;
    private static final long VICTIM = 7;

    private final Random random = new Random(27);
    private final SimScheduler scheduler = new SimScheduler(random);
    private final SimDatabase database = new SimDatabase(scheduler);
    private SimWorker worker = worker();
    private int deaths;

    private SimWorker worker() {
        SimWorker next = new SimWorker(scheduler, database, SimFaults.none(random), 64L << 20);
        next.start();
        return next;
    }

    private SimDatabase.Row start(long role, Function<GraphDraft, String> workflow) {
        GraphDraft draft = new GraphDraft();
        String root = workflow.apply(draft);
        SimDatabase.Row row = database.start(role, root, draft.rows());
        worker.told();
        return row;
    }

    /** A process that was killed is replaced. */
    private void runFor(Duration time) {
        long end = scheduler.nanos() + time.toNanos();
        while (scheduler.runUntil(() -> database.isLeaderKilled, Duration.ofNanos(end - scheduler.nanos()))) {
            database.isLeaderKilled = false;
            deaths++;
            worker.stop();
            worker = worker();
        }
    }

    @Test
    void it_is_set_aside_after_some_leaders_and_what_others_were_doing_is_not() {
        List<SimDatabase.Row> slow = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            slow.add(start(SLOW + i, draft -> draft.sql("SLOW")));
        }
        runFor(Duration.ofSeconds(1));
        SimDatabase.Row killer = start(KILLER, draft -> draft.then(draft.sql("SELECT 1"), draft.sql("KILL")));

        runFor(Duration.ofMinutes(5));

        assertThat(killer.isSetAside).isTrue();
        assertThat(deaths).as("leaders that it ended").isBetween(2, 3);
        assertThat(slow).as("steps that last").noneMatch(row -> row.isSetAside);
        assertThat(slow)
                .as("those are being worked on")
                .allMatch(row -> worker.parts.actors().contains(row.id));
        SimDatabase.Row served = start(VICTIM, draft -> draft.sql("SELECT 1"));
        assertThat(scheduler.runUntil(() -> served.hasEnded, Duration.ofSeconds(1)))
                .isTrue();
    }

    @Test
    void what_kills_after_a_while_is_set_aside_after_five() {
        runFor(Duration.ofSeconds(1));
        SimDatabase.Row killer = start(KILLER, draft -> draft.sql("SLOW"));
        for (int i = 0; i < 8; i++) {
            runFor(Duration.ofSeconds(20));
            if (worker.parts.actors().contains(killer.id)) {
                database.isLeaderKilled = true;
            }
        }
        assertThat(killer.isSetAside).isTrue();
        assertThat(deaths).isEqualTo(6);
    }

    @Test
    void what_gets_somewhere_under_each_leader_is_not() {
        SimDatabase.Row loop = start(SLOW, draft -> draft.loop(draft.sql("SELECT 1")));
        for (int i = 0; i < 10; i++) {
            runFor(Duration.ofSeconds(3));
            database.isLeaderKilled = true;
        }
        assertThat(deaths).isEqualTo(9);
        assertThat(loop.isSetAside).isFalse();
    }

    @Test
    void it_goes_on_when_the_owner_says_so() {
        SimDatabase.Row killer = start(KILLER, draft -> draft.sql("KILL"));
        runFor(Duration.ofMinutes(1));
        assertThat(killer.isSetAside).isTrue();
        int before = deaths;

        database.resume(killer);
        worker.told();
        runFor(Duration.ofMinutes(1));

        assertThat(deaths).as("it was begun again").isGreaterThan(before);
        assertThat(killer.isSetAside).isTrue();
    }

    @Test
    void roles_under_suspicion_are_tried_one_after_the_other() {
        List<SimDatabase.Row> killers = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            killers.add(start(KILLER, draft -> draft.sql("KILL")));
        }
        SimDatabase.Row innocent = start(VICTIM, draft -> draft.then(draft.sql("SELECT 1"), draft.sql("SELECT 2")));

        runFor(Duration.ofMinutes(2));

        assertThat(deaths).as("not three for each of them").isLessThan(12);
        assertThat(innocent.hasEnded).isTrue();
        assertThat(killers).allMatch(row -> row.isSetAside);
    }
}
