package dev.perdure.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.flow.result.Result;
import dev.perdure.graph.GraphDraft;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LoopTest {

    private static final Duration LONG = Duration.ofSeconds(5);

    private final GraphDraft draft = new GraphDraft();

    @Test
    void a_loop_goes_round_while_its_condition_holds_and_gives_the_last_bodys_result() {
        String body = draft.sql("body");
        String condition = draft.sql("condition");
        String loop = draft.loop(body, condition);
        String root = draft.then(loop, draft.sql("after"));
        Simulation run = new Simulation(draft.graph(root)).after(LONG);
        run.succeed(body, "1").succeed(condition, "true");
        assertThat(run.stamp(loop)).isEqualTo("a1b2c3d4::1::" + loop + "::2");
        assertThat(run.status(loop)).isEqualTo("running");
        run.succeed(body, "2").crash().succeed(condition, "0");
        assertThat(run.result(loop)).contains("\"v\": 2");
        assertThat(run.stamp(body)).isEqualTo("a1b2c3d4::1::" + loop + "::2");
        assertThat(run.status(root)).isEqualTo("pending");
        assertThat(run.openNodes()).hasSize(1);
    }

    @Test
    void each_further_round_of_the_root_loop_is_a_new_execution_and_forgets_names() {
        String body = draft.as(draft.sql("$n"), "n");
        String loop = draft.loop(body);
        Simulation run = new Simulation(draft.graph(loop)).after(LONG);
        run.succeed(body, "7");
        assertThat(run.running(body)).isEqualTo("$n");
        assertThat(run.store.executions).hasSize(1);
        assertThat(run.store.executions.get(0).number()).isEqualTo(2);
        assertThat(run.stamp(loop)).isEqualTo("a1b2c3d4::2");
        run.after(LONG).crash().succeed(body, "8");
        assertThat(run.store.executions.get(1).number()).isEqualTo(3);
        assertThat(run.running(body)).isEqualTo("$n");
    }

    @Test
    void other_loops_carry_names_over_rounds_and_crashes_and_hand_them_on() {
        String body = draft.as(draft.sql("$n"), "n");
        String condition = draft.sql("condition");
        String after = draft.sql("$n");
        Simulation run = new Simulation(draft.graph(draft.then(draft.loop(body, condition), after))).after(LONG);
        run.succeed(body, "7").succeed(condition, "1");
        assertThat(run.running(body)).isEqualTo("7");
        run.crash();
        assertThat(run.running(body)).isEqualTo("7");
        run.succeed(body, "8").succeed(condition, "0").crash();
        assertThat(run.running(after)).isEqualTo("8");
    }

    @Test
    void a_loop_without_pace_begins_its_next_round_at_once() {
        String body = draft.sql("body");
        String condition = draft.sql("condition");
        String loop = draft.paced(body, condition, 0);
        Simulation run = new Simulation(draft.graph(draft.then(loop, draft.sql("x"))));
        for (int round = 2; round < 20; round++) {
            run.succeed(body, "1").succeed(condition, "1");
            assertThat(run.openNodes()).containsExactly(body);
            assertThat(run.stamp(loop)).endsWith("::" + round);
            assertThat(run.store.rows.get(loop).wakeAt()).isNull();
            run.crash();
        }
    }

    @Test
    void a_loop_without_pace_and_without_steps_rests_between_its_rounds() {
        String endless = draft.paced(draft.loop(draft.leave("1")), null, 0);
        Simulation run = new Simulation(draft.graph(endless));
        assertThat(run.openNodes()).as("no decision without end").containsExactly(endless);
        int rounds = run.store.executions.size();
        run.crash();
        for (int i = 0; i < 10; i++) {
            var before = run.now;
            run.fire(endless);
            assertThat(Duration.between(before, run.now)).isBetween(Duration.ofMillis(1), Duration.ofMillis(10));
        }
        assertThat(run.store.executions.size()).isBetween(rounds + 10, rounds + 22);
    }

    @Test
    void a_pace_of_an_hour_counts_from_the_beginning_of_the_round() {
        String body = draft.sql("body");
        String loop = draft.paced(body, null, 3_600_000);
        Simulation run = new Simulation(draft.graph(loop));
        var begin = run.now;
        run.after(Duration.ofMinutes(20)).succeed(body, "1");
        assertThat(run.store.rows.get(loop).wakeAt()).isEqualTo(begin.plusSeconds(3600));
        run.after(Duration.ofMinutes(20)).crash();
        assertThat(run.openNodes()).containsExactly(loop);
        run.fire(loop);
        assertThat(run.now).isEqualTo(begin.plusSeconds(3600));
        run.after(Duration.ofMinutes(61)).succeed(body, "1");
        assertThat(run.openNodes()).as("long enough").containsExactly(body);
    }

    @Test
    void a_round_lasts_a_second_at_least() {
        String body = draft.sql("body");
        String loop = draft.loop(body);
        Simulation run = new Simulation(draft.graph(draft.then(loop, draft.sql("x"))));
        var begin = run.now;
        run.after(Duration.ofMillis(300)).succeed(body, "1");
        assertThat(run.openNodes()).containsExactly(loop);
        assertThat(run.store.rows.get(loop).wakeAt()).isEqualTo(begin.plusSeconds(1));
        assertThat(run.store.rows.get(loop).startedAt()).isEqualTo(begin.plusSeconds(1));
        assertThat(run.state.waiting().only()).isTrue();
        int commits = run.store.commits;
        run.crash().fire(loop);
        assertThat(run.store.commits).as("no commit when the wait is over").isEqualTo(commits);
        assertThat(run.openNodes()).containsExactly(body);
        run.after(Duration.ofSeconds(1)).succeed(body, "1");
        assertThat(run.openNodes()).as("long enough").containsExactly(body);
    }

    @Test
    void a_clock_that_went_back_does_not_repeat_a_round_that_has_begun() {
        String a = draft.sql("a");
        String b = draft.sql("b");
        String loop = draft.loop(draft.then(a, b));
        Simulation run = new Simulation(draft.graph(loop));
        var early = run.now;
        run.succeed(a, "1").succeed(b, "1").fire(loop).succeed(a, "2");
        run.now = early;
        run.crash();
        assertThat(run.openNodes()).containsExactly(b);
    }

    @Test
    void a_break_ends_the_nearest_loop_with_its_value() {
        String inner = draft.loop(draft.then(draft.as(draft.sql("a"), "a"), draft.leave("$a.v")));
        String after = draft.sql("after");
        String outer = draft.loop(draft.then(inner, after));
        Simulation run = new Simulation(draft.graph(outer));
        run.succeed("00000001", "\"yes\"");
        assertThat(run.result(inner)).isEqualTo("\"yes\"");
        assertThat(run.openNodes()).containsExactly(after);
    }

    @Test
    void a_break_in_the_condition_and_through_a_race_ends_it_too() {
        String body = draft.sql("body");
        String condition = draft.race(draft.then(draft.sql("c"), draft.leave("{\"b\":1,\"a\":2}")), draft.sql("d"));
        Simulation run = new Simulation(draft.graph(draft.loop(body, condition)));
        run.succeed(body, "1").succeed("00000002", "1");
        assertThat(run.end()).isEqualTo("COMPLETED {\"a\":2,\"b\":1}");
        assertThat(run.result(condition)).isEqualTo("{\"a\": 2, \"b\": 1}");
    }

    @Test
    void the_failure_of_a_root_loop_has_no_prefix() {
        String body = draft.sql("body");
        String loop = draft.loop(body);
        Simulation run = new Simulation(draft.graph(loop)).fail(body, "boom");
        assertThat(run.end()).isEqualTo("FAILED boom");
        assertThat(run.error(loop)).isEqualTo("boom");
    }

    @Test
    void the_failure_of_another_loop_has_one_but_in_its_own_row_only_in_the_first_round() {
        String body = draft.sql("body");
        String loop = draft.loop(body);
        String root = draft.then(loop, draft.sql("x"));
        Simulation run = new Simulation(draft.graph(root)).fail(body, "boom");
        assertThat(run.end()).isEqualTo("FAILED Loop sub-orchestration failed: boom");
        assertThat(run.error(loop)).isEqualTo("Loop sub-orchestration failed: boom");

        Simulation later =
                new Simulation(draft.graph(root)).after(LONG).succeed(body, "1").fail(body, "boom");
        assertThat(later.end()).isEqualTo("FAILED Loop sub-orchestration failed: boom");
        assertThat(later.error(loop)).isEqualTo("boom");
    }

    @Test
    void a_loop_has_eight_million_rounds() {
        String body = draft.sql("body");
        String loop = draft.loop(body);
        Map<String, NodeRecord> rows = new HashMap<>();
        rows.put(
                loop,
                new NodeRecord(
                        NodeStatus.RUNNING, "a1b2c3d4::8388607", false, null, null, null, null, 0, null, null, null));
        InstanceState state = InstanceState.load(Simulation.ID, null, Map.of(), draft.graph(loop), rows);
        var at = java.time.Instant.parse("2026-01-01T00:00:00Z");
        state.apply(Interpreter.decide(state, new Event.Loaded(at)));
        Decision last = round(state, body, 8_388_607, at.plusSeconds(5));
        assertThat(last.checkpoint().nextExecution()).isNotNull();
        state.apply(last);
        Decision over = round(state, body, 8_388_608, at.plusSeconds(10));
        assertThat(over.checkpoint().end())
                .isEqualTo(new Checkpoint.InstanceEnd(
                        Checkpoint.InstanceEnd.Status.FAILED,
                        "Loop exceeded maximum iteration count of 8388608. Use df.break() to exit the loop or"
                                + " restructure the workflow."));
    }

    private static Decision round(InstanceState state, String body, int generation, java.time.Instant at) {
        Activation activation = new Activation(body, "a1b2c3d4::" + generation);
        assertThat(state.isActive(activation)).isTrue();
        return Interpreter.decide(
                state, new Event.StepSucceeded(activation, new Result("{}", null), "body", at, 1, at));
    }

    @Test
    void a_loop_that_is_a_branch_is_one_scope() {
        String body = draft.sql("body");
        String loop = draft.loop(body);
        Simulation run = new Simulation(draft.graph(draft.join(loop, draft.sql("b")))).after(LONG);
        assertThat(run.state.isActive(new Activation(body, "a1b2c3d4::1::" + loop + "::1")))
                .isTrue();
        run.succeed(body, "1");
        assertThat(run.state.isActive(new Activation(body, "a1b2c3d4::1::" + loop + "::2")))
                .isTrue();
    }

    @Test
    void branches_inside_of_a_round_are_stamped_below_it() {
        String a = draft.sql("a");
        String b = draft.sql("b");
        String loop = draft.loop(draft.join(a, b));
        Simulation run = new Simulation(draft.graph(draft.then(loop, draft.sql("x")))).after(LONG);
        run.succeed(a, "1").succeed(b, "1");
        assertThat(run.state.isActive(new Activation(a, "a1b2c3d4::1::" + loop + "::2::" + a + "::1")))
                .isTrue();
    }

    @Test
    void the_loader_settles_a_compound_whose_children_decide_it() {
        String a = draft.sql("a");
        String b = draft.sql("b");
        String root = draft.then(a, b);
        Map<String, NodeRecord> rows = new HashMap<>();
        rows.put(a, completed("{}"));
        rows.put(b, completed("{\"x\": 1}"));
        InstanceState state = InstanceState.load(Simulation.ID, null, Map.of(), draft.graph(root), rows);
        Decision decision = Interpreter.decide(state, new Event.Loaded(java.time.Instant.EPOCH));
        assertThat(decision.checkpoint().transitions())
                .extracting(Transition::nodeId)
                .containsExactly(root);
        assertThat(decision.checkpoint().end())
                .isEqualTo(new Checkpoint.InstanceEnd(Checkpoint.InstanceEnd.Status.COMPLETED, "{\"x\":1}"));
    }

    private static NodeRecord completed(String result) {
        return new NodeRecord(
                NodeStatus.COMPLETED, Simulation.S1, false, result, null, null, null, 1, null, null, null);
    }
}
