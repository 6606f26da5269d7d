package dev.perdure.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.graph.GraphDraft;
import dev.perdure.graph.InvalidGraphException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** CATCH: the handler of a failure, what it sees, and what goes on. */
class CatchTest {

    private final GraphDraft draft = new GraphDraft();

    @Test
    void the_handler_runs_when_the_body_fails_and_its_result_is_the_nodes() {
        String body = draft.sql("SELECT 1/0");
        String handler = draft.sql("SELECT $error, $error.code, $error.node, $error.detail");
        String guarded = draft.as(draft.guarded(body, handler, null), "r");
        String last = draft.sql("SELECT $r");
        Simulation run = new Simulation(draft.graph(draft.then(guarded, last)));
        assertThat(run.openNodes()).containsExactly(body);
        run.fail(body, "it's over", "22012");

        assertThat(run.status(body)).isEqualTo("failed");
        assertThat(run.running(handler)).isEqualTo("SELECT 'it''s over', '22012', '" + body + "', ''");
        run.succeed(handler, "7");
        assertThat(run.status(guarded)).isEqualTo("completed");
        assertThat(run.running(last)).isEqualTo("SELECT 7");
        run.succeed(last, "7");
        assertThat(run.end()).startsWith("COMPLETED");
    }

    @Test
    void a_body_that_succeeds_needs_no_handler() {
        String body = draft.as(draft.sql("SELECT 1"), "inner");
        String guarded = draft.guarded(body, draft.sql("SELECT 2"), null);
        String last = draft.sql("SELECT $inner");
        Simulation run = new Simulation(draft.graph(draft.then(guarded, last)));
        run.succeed(body, "1");

        assertThat(run.running(last))
                .as("names of the body are visible behind it")
                .isEqualTo("SELECT 1");
    }

    @Test
    void names_of_the_body_and_of_the_handler_are_visible_behind_it_and_the_error_is_not() {
        String first = draft.as(draft.sql("SELECT 1"), "a");
        String second = draft.sql("SELECT 1/0");
        String handler = draft.as(draft.sql("SELECT $a"), "b");
        String last = draft.sql("SELECT $a, $b, $error");
        Simulation run =
                new Simulation(draft.graph(draft.then(draft.guarded(draft.then(first, second), handler, null), last)));
        run.succeed(first, "1").fail(second, "no");
        assertThat(run.running(handler)).isEqualTo("SELECT 1");
        run.succeed(handler, "2");

        assertThat(run.running(last)).isEqualTo("SELECT 1, 2, $error");
    }

    @Test
    void a_name_error_of_an_outer_step_is_covered_in_the_handler_only() {
        String outer = draft.as(draft.sql("SELECT 1"), "error");
        String body = draft.sql("SELECT $error");
        String handler = draft.sql("SELECT $error.message");
        String last = draft.sql("SELECT $error");
        Simulation run =
                new Simulation(draft.graph(draft.then(outer, draft.then(draft.guarded(body, handler, null), last))));
        run.succeed(outer, "1");
        assertThat(run.running(body)).isEqualTo("SELECT 1");
        run.fail(body, "no");
        assertThat(run.running(handler)).isEqualTo("SELECT 'no'");
        run.succeed(handler, "2");
        assertThat(run.running(last)).isEqualTo("SELECT 1");
    }

    @ParameterizedTest
    @CsvSource({
        "'\"23\"',23505,true",
        "'\"23505\"',23505,true",
        "'\"23\",\"40\"',22012,false",
        "'\"http:5xx\"',http:503,true",
        "'\"http:404\"',http:503,false",
        "'\"timeout\"',timeout,true",
        "'\"child\"',timeout,false",
        "'\"23\"',,false"
    })
    void only_listed_codes_are_caught_and_what_is_not_goes_on(String codes, String code, boolean caught) {
        String body = draft.sql("SELECT 1");
        String handler = draft.sql("SELECT 2");
        Simulation run = new Simulation(draft.graph(draft.guarded(body, handler, codes)));
        run.fail(body, "no", code);

        assertThat(run.openNodes()).isEqualTo(caught ? java.util.List.of(handler) : java.util.List.of());
        assertThat(run.end()).isEqualTo(caught ? "(goes on)" : "FAILED no");
    }

    @Test
    void a_handler_that_fails_fails_the_node() {
        String body = draft.sql("SELECT 1");
        String handler = draft.sql("SELECT 2");
        String guarded = draft.guarded(body, handler, null);
        Simulation run = new Simulation(draft.graph(guarded));
        run.fail(body, "one").fail(handler, "two", "23505");

        assertThat(run.end()).isEqualTo("FAILED two");
        assertThat(run.store.rows.get(guarded).code()).isEqualTo("23505");
    }

    @Test
    void a_handler_within_a_handler_sees_its_own_error_and_then_the_outer_one_again() {
        String body = draft.sql("SELECT 1");
        String risky = draft.sql("SELECT $error.message");
        String inner = draft.sql("SELECT $error.message");
        String after = draft.sql("SELECT $error.message");
        Simulation run = new Simulation(
                draft.graph(draft.guarded(body, draft.then(draft.guarded(risky, inner, null), after), null)));
        run.fail(body, "one");
        assertThat(run.running(risky)).isEqualTo("SELECT 'one'");
        run.fail(risky, "two");
        assertThat(run.running(inner)).isEqualTo("SELECT 'two'");
        run.succeed(inner, "1");
        assertThat(run.running(after)).isEqualTo("SELECT 'one'");
    }

    @Test
    void a_loop_survives_a_bad_round_and_each_round_is_guarded_anew() {
        String body = draft.sql("SELECT 1");
        String handler = draft.sql("SELECT $error.message");
        String loop = draft.loop(draft.guarded(body, handler, null));
        Simulation run = new Simulation(draft.graph(draft.then(loop, draft.sql("SELECT 3"))));
        run.fail(body, "one").succeed(handler, "1");
        assertThat(run.openNodes()).as("the pace of rounds").containsExactly(loop);
        run.fire(loop);
        assertThat(run.openNodes()).containsExactly(body);
        run.fail(body, "two");
        assertThat(run.running(handler)).isEqualTo("SELECT 'two'");
        run.crash();
        assertThat(run.running(handler)).isEqualTo("SELECT 'two'");
    }

    @Test
    void a_break_in_body_or_handler_leaves_the_loop_around_it() {
        String body = draft.leave("done");
        Simulation run = new Simulation(draft.graph(draft.loop(draft.guarded(body, draft.sql("SELECT 2"), null))));
        assertThat(run.end()).isEqualTo("COMPLETED \"done\"");

        String failing = draft.sql("SELECT 1");
        String leave = draft.leave("over");
        run = new Simulation(draft.graph(draft.loop(draft.guarded(failing, leave, null))));
        run.fail(failing, "no");
        assertThat(run.end()).isEqualTo("COMPLETED \"over\"");
    }

    @Test
    void a_join_that_failed_is_caught_once_all_its_branches_have_ended() {
        String left = draft.sql("SELECT 1");
        String right = draft.sql("SELECT 2");
        String handler = draft.sql("SELECT $error.message, $error.node, $error.code");
        Simulation run = new Simulation(draft.graph(draft.guarded(draft.join(left, right), handler, null)));
        run.fail(left, "no", "22012");
        assertThat(run.openNodes()).containsExactly(right);
        run.succeed(right, "1");
        assertThat(run.running(handler)).isEqualTo("SELECT 'JOIN branch 1 failed: no', '" + left + "', '22012'");
    }

    @Test
    void a_branch_that_lost_its_race_is_not_caught() {
        String slow = draft.sql("SELECT 1");
        String handler = draft.sql("SELECT 2");
        String fast = draft.sql("SELECT 3");
        String race = draft.race(draft.guarded(slow, handler, null), fast);
        Simulation run = new Simulation(draft.graph(draft.then(race, draft.sql("SELECT 4"))));
        run.succeed(fast, "1");

        assertThat(run.interrupted).containsExactly(slow);
        assertThat(run.status(handler)).isEqualTo("pending");
        run.crash();
        assertThat(run.openNodes()).doesNotContain(handler);
    }

    @Test
    void a_cancel_is_not_caught() {
        String body = draft.sql("SELECT 1");
        String handler = draft.sql("SELECT 2");
        Simulation run = new Simulation(draft.graph(draft.guarded(body, handler, null)));
        run.happens(new Event.Cancelled("enough", run.now));

        assertThat(run.interrupted).containsExactly(body);
        assertThat(run.end()).isEqualTo("CANCELLED canceled: enough");
        assertThat(run.status(handler)).isEqualTo("pending");
    }

    @Test
    void a_retry_around_it_sees_what_is_not_caught_and_one_within_ends_before_it_is() {
        String body = draft.sql("SELECT 1");
        String handler = draft.sql("SELECT $error.message");
        String outer = draft.retry(draft.guarded(body, handler, "\"23\""), 2, null);
        Simulation run = new Simulation(draft.graph(outer));
        run.fail(body, "no", "40001").fire(outer).fail(body, "dup", "23505");
        assertThat(run.running(handler)).isEqualTo("SELECT 'dup'");

        String step = draft.sql("SELECT 1");
        String retry = draft.retry(step, 2, null);
        String caught = draft.sql("SELECT $error.message");
        run = new Simulation(draft.graph(draft.guarded(retry, caught, null)));
        run.fail(step, "one").fire(retry).fail(step, "two");
        assertThat(run.running(caught)).isEqualTo("SELECT 'two (given up after 2 attempts)'");
        run.crash();
        assertThat(run.running(caught)).isEqualTo("SELECT 'two (given up after 2 attempts)'");
    }

    @Test
    void a_handler_that_is_retried_sees_the_error_in_each_attempt() {
        String body = draft.sql("SELECT 1");
        String handler = draft.sql("SELECT $error.message");
        String retry = draft.retry(handler, 3, null);
        Simulation run = new Simulation(draft.graph(draft.guarded(body, retry, null)));
        run.fail(body, "one").fail(handler, "two").fire(retry);

        assertThat(run.running(handler)).isEqualTo("SELECT 'one'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"codes\":\"23\"}", "{\"codes\":[\"no sense\"]}", "{\"codes\":[7]}", "[]", "not json"})
    void a_configuration_that_makes_no_sense_is_refused(String config) {
        String node = draft.add("CATCH", config, draft.sql("SELECT 1"), draft.sql("SELECT 2"));
        assertThatThrownBy(() -> draft.graph(node))
                .isInstanceOf(InvalidGraphException.class)
                .hasMessageContaining("CATCH");
    }
}
