package dev.perdure.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.graph.GraphDraft;
import java.time.Duration;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** JOIN and RACE. */
class BranchesTest {

    private final GraphDraft draft = new GraphDraft();

    @Test
    void a_join_gives_the_results_in_branch_order_whatever_order_they_came_in() {
        String a = draft.sql("a");
        String b = draft.sql("b");
        String c = draft.sleep("1");
        String root = draft.join(a, b, c);
        Simulation run = new Simulation(draft.graph(root));
        run.fire(c).succeed(b, "{\"k\":2}", null).crash().succeed(a, "1");
        assertThat(run.end())
                .isEqualTo(
                        "COMPLETED [{\"rows\":[{\"v\":1}],\"row_count\":1},{\"k\":2},{\"slept\":true,\"seconds\":1}]");
        assertThat(run.stamp(b)).isEqualTo("a1b2c3d4::1::" + b + "::1");
        assertThat(run.stamp(root)).isEqualTo("a1b2c3d4::1");
    }

    @Test
    void a_join_merges_the_names_that_a_branch_bound_itself() {
        String before = draft.as(draft.sql("x"), "x");
        String left = draft.as(draft.sql("l"), "x");
        String right = draft.as(draft.sql("r $x"), "y");
        String after = draft.sql("$x $y");
        Simulation run = new Simulation(draft.graph(draft.then(before, draft.then(draft.join(left, right), after))));
        run.succeed(before, "1");
        run.succeed(left, "2");
        assertThat(run.running(right)).isEqualTo("r 1");
        run.succeed(right, "3");
        assertThat(run.running(after)).isEqualTo("2 3");
    }

    @Test
    void a_later_branch_wins_a_name_that_two_bound() {
        String left = draft.as(draft.sql("l"), "x");
        String right = draft.as(draft.sql("r"), "x");
        String after = draft.sql("$x");
        Simulation run = new Simulation(draft.graph(draft.then(draft.join(left, right), after)));
        run.succeed(right, "2").succeed(left, "1");
        assertThat(run.running(after)).isEqualTo("2");
    }

    @Test
    void a_join_waits_for_all_and_the_first_branch_that_failed_or_broke_decides() {
        String a = draft.sql("a");
        String b = draft.sql("b");
        String c = draft.sql("c");
        Simulation run = new Simulation(draft.graph(draft.join(a, b, c)));
        run.fail(c, "late").fail(b, "early");
        assertThat(run.openNodes()).containsExactly(a);
        run.succeed(a, "1");
        assertThat(run.end()).isEqualTo("FAILED JOIN branch 2 failed: early");
    }

    @Test
    void a_break_crosses_a_join_after_all_branches_ended_and_keeps_their_names() {
        String a = draft.as(draft.sql("a"), "a");
        String loop = draft.loop(draft.join(draft.leave("[1, 2]"), a));
        String after = draft.sql("$a");
        Simulation run = new Simulation(draft.graph(draft.then(loop, after)));
        run.succeed(a, "7");
        assertThat(run.result(loop)).isEqualTo("[1, 2]");
        assertThat(run.running(after)).isEqualTo("7");
    }

    @Test
    void the_first_to_end_wins_a_race_and_the_other_is_interrupted() {
        String a = draft.sql("a");
        String deep = draft.sql("deep");
        String slow = draft.sleep("60");
        String b = draft.join(draft.then(deep, draft.sql("never")), slow);
        String root = draft.race(a, b);
        Simulation run = new Simulation(draft.graph(root)).succeed(a, "1");
        assertThat(run.end()).startsWith("COMPLETED {\"rows\"");
        assertThat(run.interrupted).containsExactlyInAnyOrder(deep, slow);
        assertThat(run.error(deep)).isEqualTo("canceled: lost race");
        assertThat(run.store.rows.get(deep).canceled()).isEqualTo("lost race");
        assertThat(run.status(b)).isEqualTo("pending");
    }

    @Test
    void a_failure_loses_the_race_for_both() {
        String a = draft.sql("a");
        String b = draft.sql("b");
        Simulation run = new Simulation(draft.graph(draft.race(a, b))).fail(b, "boom");
        assertThat(run.end()).isEqualTo("FAILED RACE right branch failed: boom");
    }

    @Test
    void only_the_winners_names_are_merged() {
        String a = draft.as(draft.sql("a"), "a");
        String b = draft.then(draft.as(draft.sql("b"), "b"), draft.sql("b2"));
        String after = draft.sql("$a $b");
        Simulation run = new Simulation(draft.graph(draft.then(draft.race(a, b), after)));
        run.succeed("00000002", "2").succeed(a, "1");
        assertThat(run.running(after)).isEqualTo("1 $b");
    }

    @Test
    void a_branch_that_ends_at_once_wins_and_nothing_of_the_other_is_started() {
        String loop = draft.loop(draft.race(draft.sql("a"), draft.leave(null)));
        Simulation run = new Simulation(draft.graph(loop));
        assertThat(run.end()).isEqualTo("COMPLETED null");
        assertThat(run.status("00000001")).isEqualTo("pending");
        assertThat(run.interrupted).isEmpty();
    }

    @Test
    void a_loop_that_loses_a_race_says_so_in_its_first_round_only() {
        String body = draft.sql("body");
        String loop = draft.loop(body);
        String a = draft.sql("a");
        Simulation run = new Simulation(draft.graph(draft.race(loop, a))).succeed(a, "1");
        assertThat(run.error(loop)).isEqualTo("Loop branch cancelled after losing RACE");
        assertThat(run.stamp(loop)).isEqualTo("a1b2c3d4::1::" + loop + "::1");

        Simulation later = new Simulation(draft.graph("00000004"));
        later.after(Duration.ofSeconds(2)).succeed(body, "1").succeed(a, "1");
        assertThat(later.status(loop)).isEqualTo("running");
        assertThat(later.stamp(loop)).isEqualTo("a1b2c3d4::1::" + loop + "::2");
    }

    @Test
    void a_loop_as_branch_fails_with_the_branch_prefix_in_its_own_row() {
        String body = draft.sql("body");
        String loop = draft.loop(body);
        String b = draft.sql("b");
        String root = draft.join(loop, b);
        Simulation run = new Simulation(draft.graph(root)).fail(body, "boom");
        assertThat(run.error(loop)).isEqualTo("boom");
        run.succeed(b, "1");
        assertThat(run.error(loop)).isEqualTo("JOIN branch 1 failed: boom");
        assertThat(run.end()).isEqualTo("FAILED JOIN branch 1 failed: boom");
    }

    @Test
    @Timeout(20)
    void a_join_of_ten_thousand_branches_costs_no_more_than_its_branches() {
        String[] ids = IntStream.range(0, 9_999).mapToObj(i -> draft.sleep("5")).toArray(String[]::new);
        Simulation run = new Simulation(draft.graph(draft.join(ids)));
        for (String id : ids) {
            Activation activation = new Activation(id, Simulation.S1 + "::" + id + "::1");
            run.open.remove(activation);
            run.happens(new Event.TimerFired(activation, run.now));
            run.state.waiting();
        }
        assertThat(run.end()).startsWith("COMPLETED [{\"slept\":true");
    }
}
