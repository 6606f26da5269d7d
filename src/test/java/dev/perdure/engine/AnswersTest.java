package dev.perdure.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.graph.GraphDraft;
import dev.perdure.store.Journal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What one of those throws that the owner's loop tells something is that one's trouble: the others hear what is theirs. */
class AnswersTest {

    private final Random random = new Random(5);
    private final SimScheduler scheduler = new SimScheduler(random);
    private final SimDatabase database = new SimDatabase(scheduler);
    private final List<SimDatabase.Row> rows = new ArrayList<>();
    private SimWorker worker = new SimWorker(scheduler, database, SimFaults.none(random), 64L << 20);

    @BeforeEach
    void begin() {
        worker.start();
        for (int i = 0; i < 5; i++) {
            GraphDraft draft = new GraphDraft();
            String root = draft.then(draft.leaf("SIGNAL", "{\"signal_name\":\"go\"}"), draft.sleep("1"));
            rows.add(database.start(1, root, draft.rows()));
        }
        worker.told();
        scheduler.runUntil(() -> worker.parts.actors().size() == 5, Duration.ofSeconds(1));
        scheduler.runUntil(() -> false, Duration.ofMillis(200));
    }

    private static Journal.Mark mark(SimDatabase.Row row) {
        return new Journal.Mark(row.id, row.root, "0", 1, null);
    }

    private void tells(SimDatabase.Row row, Supplier<? extends Error> error) {
        worker.parts.desk().begins().begin(1, mark(row), begun -> {
            throw error.get();
        });
    }

    private boolean end(Duration within) {
        rows.forEach(row -> database.signal(row, "go"));
        worker.told();
        return scheduler.runUntil(() -> rows.stream().allMatch(row -> row.status.equals("completed")), within);
    }

    @Test
    void an_instance_that_breaks_down_on_an_answer_is_read_again_and_the_others_get_theirs() {
        List<String> told = new ArrayList<>();
        worker.parts.desk().begins().begin(1, mark(rows.get(0)), begun -> told.add("before"));
        worker.parts.desk().begins().begin(1, mark(rows.get(1)), begun -> {
            throw new IllegalStateException("broken");
        });
        tells(rows.get(2), StackOverflowError::new);
        worker.parts.desk().begins().begin(1, mark(rows.get(3)), begun -> told.add("after"));

        assertThat(end(Duration.ofSeconds(20))).as("%s", worker).isTrue();
        assertThat(told).containsExactlyInAnyOrder("before", "after");
        assertThat(worker.isOver).as(worker.why).isFalse();
    }

    @Test
    void an_error_ends_the_term_and_the_next_one_goes_on() {
        List<String> told = new ArrayList<>();
        tells(rows.get(0), NoClassDefFoundError::new);
        worker.parts.desk().begins().begin(1, mark(rows.get(1)), begun -> told.add("after"));

        assertThat(scheduler.runUntil(() -> worker.isOver, Duration.ofSeconds(5)))
                .isTrue();
        assertThat(worker.why).contains("NoClassDefFoundError");
        assertThat(told).containsExactly("after");
        worker.stop();
        worker = new SimWorker(scheduler, database, SimFaults.none(random), 64L << 20);
        worker.start();
        scheduler.runUntil(() -> false, Duration.ofMillis(500));
        assertThat(end(Duration.ofSeconds(20))).as("%s", worker).isTrue();
    }

    @Test
    void what_cannot_be_told_to_anybody_in_memory_ends_the_term() {
        worker.parts.actors().leave(worker.parts.actors().get(rows.get(0).id));
        worker.parts.desk().begins().begin(1, mark(rows.get(0)), begun -> {
            throw new IllegalStateException("broken");
        });

        assertThat(scheduler.runUntil(() -> worker.isOver, Duration.ofSeconds(5)))
                .isTrue();
        assertThat(worker.why).contains(rows.get(0).id);
    }
}
