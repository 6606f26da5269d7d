package dev.perdure.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.flow.result.Result;
import dev.perdure.graph.GraphDraft;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** SQL, THEN, IF, BREAK outside of loops, SLEEP, names. */
class SequenceTest {

    private final GraphDraft draft = new GraphDraft();

    @Test
    void a_chain_of_steps_commits_once_a_step_and_its_last_commit_ends_the_instance() {
        String a = draft.as(draft.sql("SELECT 1"), "a");
        String b = draft.sql("SELECT $a, '{v}', '{sys_label}'");
        String root = draft.then(a, b);
        Simulation run = new Simulation(draft.graph(root), Map.of("v", "w"));

        assertThat(run.store.commits).isZero();
        run.succeed(a, "41");
        assertThat(run.running(b)).isEqualTo("SELECT 41, 'w', 'a label'");
        assertThat(run.store.rows.get(a).executedQuery()).isEqualTo("SELECT 1");
        run.succeed(b, "42");
        assertThat(run.store.commits).isEqualTo(2);
        assertThat(run.end()).isEqualTo("COMPLETED {\"rows\":[{\"v\":42}],\"row_count\":1}");
        assertThat(run.stamp(root)).isEqualTo(Simulation.S1);
        assertThat(run.state.hasEnded()).isTrue();
    }

    @Test
    void enclosing_nodes_share_the_result_object() {
        String a = draft.sql("SELECT 1");
        String inner = draft.when(draft.sql("c"), draft.sql("x"), a);
        Simulation run = new Simulation(draft.graph(draft.then(draft.sql("y"), inner)));
        run.succeed("00000005", "1").succeed("00000002", "false");
        Decision last = run.happens(run.success(run.answer(a), "{\"rows\":[],\"row_count\":0}", "[]"));
        assertThat(last.checkpoint().transitions()).hasSize(3);
        Result first = last.checkpoint().transitions().get(0).result();
        assertThat(last.checkpoint().transitions())
                .allSatisfy(t -> assertThat(t.result()).isSameAs(first));
    }

    @Test
    void a_failure_fails_everything_around_and_starts_nothing_more() {
        String a = draft.sql("SELECT 1");
        String b = draft.sql("SELECT 2");
        String root = draft.then(a, b);
        Simulation run = new Simulation(draft.graph(root)).fail(a, "boom");
        assertThat(run.end()).isEqualTo("FAILED boom");
        assertThat(run.error(root)).isEqualTo("boom");
        assertThat(run.result(a)).isEqualTo("\"boom\"");
        assertThat(run.status(b)).isEqualTo("pending");
    }

    @Test
    void a_reference_that_cannot_be_resolved_fails_the_node_before_it_runs() {
        String a = draft.as(draft.sql("SELECT 1"), "a");
        String b = draft.sql("SELECT $a");
        Simulation run = new Simulation(draft.graph(draft.then(a, b)));
        run.succeed(a, "{\"rows\":[],\"row_count\":0}", Simulation.COLUMNS);
        assertThat(run.end()).isEqualTo("FAILED $a has no rows — query returned zero results");
        assertThat(run.status(b)).isEqualTo("failed");
    }

    @Test
    void a_condition_selects_one_branch_and_names_of_it_are_visible() {
        String condition = draft.as(draft.sql("SELECT c"), "c");
        String yes = draft.sql("SELECT $c");
        String no = draft.sql("SELECT no");
        Simulation run = new Simulation(draft.graph(draft.when(condition, yes, no)));
        run.succeed(condition, "3");
        assertThat(run.running(yes)).isEqualTo("SELECT 3");
        assertThat(run.openNodes()).containsExactly(yes);
    }

    @Test
    void rows_decide_an_if_rows_and_a_wrong_name_fails_it() {
        String a = draft.as(draft.sql("SELECT 1"), "a");
        String yes = draft.sql("yes");
        String no = draft.sql("no");
        String branch = draft.whenRows("a", yes, no);
        Simulation run = new Simulation(draft.graph(draft.then(a, branch)));
        run.succeed(a, "{\"rows\":[],\"row_count\":0}", Simulation.COLUMNS);
        assertThat(run.openNodes()).containsExactly(no);

        String lonely = draft.whenRows("zzz", draft.sql("x"), draft.sql("y"));
        assertThat(new Simulation(draft.graph(lonely)).end()).isEqualTo("FAILED df.if_rows: result 'zzz' not found");

        String b = draft.as(draft.sql("SELECT 1"), "b");
        Simulation http =
                new Simulation(draft.graph(draft.then(b, draft.whenRows("b", draft.sql("x"), draft.sql("y")))));
        http.succeed(b, "{\"status\":200}", null);
        assertThat(http.end()).isEqualTo("FAILED df.if_rows: result 'b' is not a SQL result (missing row_count)");
    }

    @Test
    void a_sleep_is_durable_before_it_waits_and_its_result_can_be_named() {
        String sleep = draft.as(draft.sleep("90"), "s");
        String b = draft.sql("SELECT $s.seconds");
        Simulation run = new Simulation(draft.graph(draft.then(sleep, b)));
        assertThat(run.status(sleep)).isEqualTo("running");
        assertThat(run.store.rows.get(sleep).wakeAt()).isEqualTo(run.now.plusSeconds(90));
        assertThat(run.state.waiting().only()).isTrue();
        assertThat(run.state.waiting().until()).isEqualTo(run.now.plusSeconds(90));
        run.crash().fire(sleep);
        assertThat(run.running(b)).isEqualTo("SELECT 90");
        assertThat(run.state.waiting().only()).isFalse();
    }

    @Test
    void a_sleeps_output_has_its_blanks_also_after_a_crash() {
        String sleep = draft.sleep("0");
        String other = draft.sql("x");
        Simulation run = new Simulation(draft.graph(draft.loop(sleep, other)));
        run.fire(sleep).crash().succeed(other, "false");
        assertThat(run.end()).isEqualTo("COMPLETED {\"slept\": true, \"seconds\": 0}");
    }

    @Test
    void bad_and_absurd_sleeps() {
        for (String bad : new String[] {"soon", "-1", "1.5", "", " 1", "18446744073709551616"}) {
            GraphDraft one = new GraphDraft();
            assertThat(new Simulation(one.graph(one.sleep(bad))).end())
                    .isEqualTo("FAILED Invalid sleep duration: " + bad);
        }
        String endless = draft.sleep("18446744073709551615");
        Simulation run = new Simulation(draft.graph(endless));
        assertThat(run.store.rows.get(endless).wakeAt()).isEqualTo("9999-12-31T23:59:59Z");
    }

    @Test
    void a_break_outside_of_a_loop_fails_the_instance_but_completes_the_nodes() {
        String leave = draft.leave("done");
        String root = draft.then(draft.then(leave, draft.sql("x")), draft.sql("y"));
        Simulation run = new Simulation(draft.graph(root));
        assertThat(run.end())
                .isEqualTo("FAILED df.break() was called outside of a loop. df.break() may only be used inside"
                        + " df.loop().");
        assertThat(run.status(root)).isEqualTo("completed");
        assertThat(run.result(root)).isEqualTo("\"done\"");
    }

    @Test
    void a_cancelled_instance_interrupts_what_runs() {
        String a = draft.sql("a");
        String sleep = draft.sleep("9");
        String done = draft.sql("done");
        String root = draft.join(a, sleep, done);
        Simulation run = new Simulation(draft.graph(root)).succeed(done, "1");
        Activation late = new Activation(a, Simulation.S1 + "::" + a + "::1");
        assertThat(run.state.isActive(late)).isTrue();
        run.happens(new Event.Cancelled("enough", run.now));
        assertThat(run.end()).isEqualTo("CANCELLED canceled: enough");
        assertThat(run.interrupted).containsExactlyInAnyOrder(a, sleep);
        assertThat(run.error(a)).isEqualTo("canceled: enough");
        assertThat(run.status(root)).isEqualTo("pending");
        assertThat(run.state.isActive(late)).isFalse();
    }

    @Test
    void an_instance_that_was_cancelled_before_it_was_loaded_starts_nothing() {
        String a = draft.sql("a");
        InstanceState state = InstanceState.load(Simulation.ID, null, Map.of(), draft.graph(a), Map.of());
        Decision decision = Interpreter.decide(state, new Event.Cancelled("no", java.time.Instant.EPOCH));
        assertThat(decision.effects()).isEmpty();
        assertThat(decision.checkpoint().transitions()).isEmpty();
        assertThat(decision.checkpoint().end())
                .isEqualTo(new Checkpoint.InstanceEnd(Checkpoint.InstanceEnd.Status.CANCELLED, "canceled: no"));
    }

    @Test
    void events_that_nothing_waits_for_decide_nothing() {
        String a = draft.sql("a");
        Simulation run = new Simulation(draft.graph(draft.then(a, draft.sql("b"))));
        Decision wrongStamp = Interpreter.decide(run.state, new Event.TimerFired(new Activation(a, "a::9"), run.now));
        Decision wrongKind =
                Interpreter.decide(run.state, new Event.TimerFired(new Activation(a, Simulation.S1), run.now));
        for (Decision decision : new Decision[] {wrongStamp, wrongKind}) {
            assertThat(decision.checkpoint().isEmpty()).isTrue();
            assertThat(decision.effects()).isEmpty();
            run.state.apply(decision);
        }
    }

    @Test
    void a_next_step_can_be_decided_on_a_copy_before_the_last_one_is_committed() {
        String a = draft.as(draft.sql("a"), "a");
        String b = draft.sql("$a");
        Simulation run = new Simulation(draft.graph(draft.then(a, b)));
        Activation first = run.answer(a);
        Decision one = Interpreter.decide(run.state, run.success(first, "{\"rows\":[{\"v\":1}]}", Simulation.COLUMNS));
        InstanceState ahead = run.state.copy();
        ahead.apply(one);
        assertThat(run.state.isActive(first)).isTrue();
        assertThat(ahead.isActive(first)).isFalse();
        Decision two = Interpreter.decide(
                ahead, run.success(new Activation(b, Simulation.S1), "{\"rows\":[]}", Simulation.COLUMNS));
        assertThat(two.checkpoint().end()).isNotNull();
        run.store.commit(one.checkpoint());
        run.state.apply(one);
        run.store.commit(two.checkpoint());
        run.state.apply(two);
        assertThat(run.state.hasEnded()).isTrue();
    }

    @Test
    void nodes_run_in_memory_until_a_mark_says_so_in_their_rows() {
        String a = draft.sql("a");
        String root = draft.then(a, draft.sql("b"));
        Simulation run = new Simulation(draft.graph(root));
        assertThat(run.state.runningNodes())
                .containsExactlyInAnyOrder(
                        new InstanceState.Unmarked(a, null, Simulation.S1),
                        new InstanceState.Unmarked(root, null, Simulation.S1));
        run.store.mark(new InstanceState.Unmarked(a, null, Simulation.S1));
        run.state.marked(a, Simulation.S1);
        assertThat(run.state.runningNodes())
                .extracting(InstanceState.Unmarked::nodeId)
                .containsExactly(root);
        run.succeed(a, "1");
        run.state.marked(a, Simulation.S1); // late
        assertThat(run.state.row(a)).isEqualTo(new KnownRow(Simulation.S1, NodeStatus.COMPLETED));
    }
}
