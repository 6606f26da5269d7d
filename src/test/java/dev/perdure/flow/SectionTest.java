package dev.perdure.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.graph.GraphDraft;
import org.junit.jupiter.api.Test;

/** WITH_QUEUE: asks for a slot, waits for it, and gives it back. */
class SectionTest {

    private final GraphDraft draft = new GraphDraft();
    private final String body = draft.sql("body");
    private final String other = draft.sql("other");

    private static void getsItsSlot(Simulation run, String section) {
        run.succeed(section, "\"q\"");
        run.happens(new Event.SignalReceived(run.answer(section), 1, "{}", run.now));
    }

    @Test
    void what_ended_before_its_branch_lost_the_race_stays_ended_after_a_crash() {
        String limited = draft.limited(body, 1000, other);
        String section = draft.section(limited, "q", null);
        String slow = draft.sql("slow");
        String winner = draft.sql("winner");
        String last = draft.sql("last");
        Simulation run = new Simulation(draft.graph(draft.then(draft.race(draft.join(section, slow), winner), last)));
        getsItsSlot(run, section);
        run.fire(limited).succeed(other, "1");
        assertThat(run.status(section)).isEqualTo("completed");
        run.succeed(winner, "2").crash();
        assertThat(run.status(section)).isEqualTo("completed");
        assertThat(run.status(limited)).isEqualTo("completed");
        run.succeed(last, "3");
        assertThat(run.end()).startsWith("COMPLETED");
    }
}
