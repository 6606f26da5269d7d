package dev.perdure.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.graph.GraphDraft;
import java.time.Duration;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** SAGA and WITH_UNDO: what is registered, in which order it is undone, and what goes on afterwards. */
class SagaTest {

    private final GraphDraft draft = new GraphDraft();
    private final String first = draft.as(draft.sql("first"), "s");
    private final String undoFirst = draft.sql("undo $s");
    private final String second = draft.as(draft.sql("second"), "s");
    private final String undoSecond = draft.sql("undo $s");
    private final String last = draft.sql("last");

    /** Both steps have the same name for their results. */
    private String saga() {
        return draft.saga(draft.then(
                draft.withUndo(first, undoFirst, "after"),
                draft.then(draft.withUndo(second, undoSecond, "after"), last)));
    }

    private static final Consumer<Simulation> NOTHING = run -> {};

    /** Runs up to the last step of the saga. */
    private Simulation reached(String root, Consumer<Simulation> between) {
        Simulation run = new Simulation(draft.graph(root));
        between.accept(run);
        run.succeed(first, "1");
        between.accept(run);
        run.succeed(second, "2");
        between.accept(run);
        return run;
    }

    private void undoes(Simulation run, Consumer<Simulation> between) {
        between.accept(run);
        assertThat(run.openNodes()).containsExactly(undoSecond);
        assertThat(run.running(undoSecond)).isEqualTo("undo 2");
        run.succeed(undoSecond, "0");
        between.accept(run);
        assertThat(run.openNodes()).containsExactly(undoFirst);
        assertThat(run.running(undoFirst)).as("the name as it was").isEqualTo("undo 1");
        run.succeed(undoFirst, "0");
        between.accept(run);
    }

    private static Consumer<Simulation> between(boolean crashes) {
        return crashes ? run -> run.crash() : NOTHING;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_failure_undoes_what_was_registered_in_reverse_and_goes_on(boolean crashes) {
        Simulation run = reached(draft.then(saga(), draft.sql("never")), between(crashes));
        run.fail(last, "no stock", "22012");
        undoes(run, between(crashes));
        assertThat(run.end()).isEqualTo("FAILED no stock");
        assertThat(run.store.compensated).isTrue();
    }

    @Test
    void what_succeeds_is_not_undone() {
        Simulation run = reached(draft.then(saga(), draft.sql("SELECT 1")), NOTHING);
        run.succeed(last, "3");
        assertThat(run.openNodes()).hasSize(1).doesNotContain(undoFirst, undoSecond);
        assertThat(run.store.compensated).isFalse();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_cancel_undoes_too_and_a_second_one_changes_nothing(boolean crashes) {
        Simulation run = reached(saga(), between(crashes));
        run.happens(new Event.Cancelled("enough", run.now));
        assertThat(run.interrupted).contains(last);
        run.happens(new Event.Cancelled("again", run.now));
        undoes(run, crashes ? this::crashesCancelled : NOTHING);
        assertThat(run.end()).startsWith("CANCELLED canceled: ");
        assertThat(run.store.compensated).isTrue();
    }

    private void crashesCancelled(Simulation run) {
        if (run.store.end == null) {
            run.crash("enough");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_cancel_while_it_undoes_lets_it_finish(boolean crashes) {
        Simulation run = reached(saga(), between(crashes));
        run.fail(last, "no", "22012");
        run.happens(new Event.Cancelled("enough", run.now));
        assertThat(run.interrupted).doesNotContain(undoSecond);
        undoes(run, crashes ? this::crashesCancelled : NOTHING);
        assertThat(run.end()).isEqualTo("CANCELLED canceled: enough");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_lost_race_goes_on_when_its_loser_is_undone(boolean crashes) {
        String other = draft.sql("other");
        String after = draft.sql("after");
        Simulation run =
                reached(draft.then(draft.race(draft.then(saga(), draft.sql("x")), other), after), between(crashes));
        run.succeed(other, "1");
        undoes(run, between(crashes));
        assertThat(run.openNodes()).containsExactly(after);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_time_limit_undoes_before_what_comes_instead(boolean crashes) {
        String other = draft.sql("other");
        String limited = draft.limited(draft.then(saga(), draft.sql("x")), 60_000, other);
        Simulation run = reached(limited, between(crashes));
        run.fire(limited);
        undoes(run, between(crashes));
        assertThat(run.openNodes()).containsExactly(other);
        run.succeed(other, "5");
        assertThat(run.end()).startsWith("COMPLETED");
    }

    @Test
    void what_is_registered_before_is_undone_although_the_step_failed() {
        String step = draft.sql("charge");
        String undo = draft.sql("refund");
        Simulation run = new Simulation(draft.graph(draft.saga(draft.withUndo(step, undo, "before"))));
        assertThat(run.store.rows).containsKey("undo:1");
        run.fail(step, "who knows");
        assertThat(run.openNodes()).containsExactly(undo);
        run.succeed(undo, "1");
        assertThat(run.end()).isEqualTo("FAILED who knows");
    }

    @Test
    void an_undo_that_gives_up_is_told_and_the_others_are_done() {
        String undo = draft.sql("undo");
        String gives = draft.retry(undo, 1, null);
        String saga = draft.saga(draft.then(
                draft.withUndo(first, undoFirst, "after"), draft.then(draft.withUndo(second, gives, "after"), last)));
        Simulation run = reached(saga, NOTHING);
        run.fail(last, "no").fail(undo, "gone").crash();
        assertThat(run.openNodes()).containsExactly(undoFirst);
        run.succeed(undoFirst, "1");
        assertThat(run.end()).startsWith("FAILED no (the undo of node ").contains("was given up: gone");
        assertThat(run.store.compensated).isTrue();
    }

    @Test
    void an_inner_saga_that_succeeded_is_undone_by_the_outer_one() {
        String outer = draft.saga(draft.then(saga(), draft.sql("z")));
        Simulation run = reached(outer, NOTHING);
        run.succeed(last, "3").crash();
        run.fail(draft.rows().get(draft.rows().size() - 3).id(), "late");
        undoes(run, Simulation::crash);
        assertThat(run.end()).isEqualTo("FAILED late");
    }

    @Test
    void each_round_that_registered_is_undone_with_its_own_names() {
        String step = draft.as(draft.sql("step"), "n");
        String undo = draft.sql("undo $n");
        String test = draft.sql("test");
        Simulation run = new Simulation(
                draft.graph(draft.saga(draft.then(draft.loop(draft.withUndo(step, undo, "after"), test), last))));
        for (int i = 1; i <= 3; i++) {
            run.after(Duration.ofSeconds(2)).succeed(step, String.valueOf(i));
            run.succeed(test, i < 3 ? "true" : "false");
        }
        run.fail(last, "no");
        for (int i = 3; i > 0; i--) {
            assertThat(run.running(undo)).isEqualTo("undo " + i);
            run.crash().succeed(undo, "0");
        }
        assertThat(run.end()).isEqualTo("FAILED no");
    }

    @Test
    void a_time_that_is_over_while_it_undoes_ends_no_step_of_an_undo() {
        String limited = draft.limited(draft.then(saga(), draft.sql("x")), 60_000, null);
        Simulation run = reached(limited, NOTHING);
        run.fail(last, "no");
        Activation limit = new Activation(limited, run.stamp(limited));
        assertThat(run.state.stepsUnder(limit)).isEmpty();
        run.fire(limited);
        assertThat(run.interrupted).isEmpty();
        undoes(run, NOTHING);
        assertThat(run.end()).startsWith("FAILED Timed out");
    }

    @Test
    void what_is_known_of_an_undo_stays_while_the_step_around_it_is_undone() {
        String undo = draft.sql("undo");
        String inner =
                draft.saga(draft.then(draft.withUndo(first, draft.retry(undo, 1, null), "after"), draft.sql("no")));
        String failing = draft.graph(inner).nodes().stream()
                .filter(node -> node.toString().contains("sql=no"))
                .findFirst()
                .orElseThrow()
                .id();
        String outer = draft.saga(draft.withUndo(inner, undoSecond, "before"));
        String other = draft.saga(draft.withUndo(last, draft.sql("undo last"), "after"));
        Simulation run = new Simulation(draft.graph(draft.join(outer, other)));
        run.succeed(first, "1").fail(failing, "no").fail(undo, "gone");
        assertThat(run.openNodes()).contains(undoSecond);
        run.succeed(last, "1");
        assertThat(run.store.rows.keySet()).contains("undo:1", "undo:2", "undo:3");
        run.crash().succeed(undoSecond, "0");
        assertThat(run.end())
                .startsWith("FAILED JOIN branch 1 failed: no (the undo of node ")
                .contains("gone");
    }
}
