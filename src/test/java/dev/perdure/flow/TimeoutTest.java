package dev.perdure.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.graph.GraphDraft;
import dev.perdure.graph.InvalidGraphException;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** TIMEOUT: when the time is over, what is interrupted, what goes on, and what a crash does to it. */
class TimeoutTest {

    private final GraphDraft draft = new GraphDraft();

    @Test
    void the_commit_that_begins_it_says_until_when_and_what_is_done_in_time_is_its_result() {
        String body = draft.as(draft.sql("SELECT 1"), "inner");
        String limited = draft.as(draft.limited(body, 2500, null), "r");
        String last = draft.sql("SELECT $r, $inner");
        Simulation run = new Simulation(draft.graph(draft.then(limited, last)));
        assertThat(run.store.rows.get(limited).wakeAt()).isEqualTo(run.now.plusMillis(2500));
        assertThat(run.openNodes()).containsExactlyInAnyOrder(limited, body);
        run.after(Duration.ofSeconds(2)).succeed(body, "7");

        assertThat(run.openNodes()).as("its timer is stopped").containsExactly(last);
        assertThat(run.running(last)).isEqualTo("SELECT 7, 7");
        assertThat(run.status(limited)).isEqualTo("completed");
    }

    @Test
    void when_the_time_is_over_what_runs_is_interrupted_and_it_fails_with_a_code_of_its_own() {
        String a = draft.sql("a");
        String b = draft.sql("b");
        String wait = draft.sleep("100");
        String limited = draft.limited(draft.join(a, draft.then(b, draft.sql("c")), wait), 60_000, null);
        Simulation run = new Simulation(draft.graph(draft.then(limited, draft.sql("never"))));
        run.succeed(b, "1");
        run.fire(limited);

        assertThat(run.interrupted).contains(a, wait);
        assertThat(run.status(a)).isEqualTo("failed");
        assertThat(run.store.rows.get(a).canceled()).isEqualTo("timed out");
        assertThat(run.store.rows.get(limited).code()).isEqualTo("timeout");
        assertThat(run.end()).isEqualTo("FAILED Timed out: not done within 1m");
        assertThat(run.openNodes()).isEmpty();
    }

    @Test
    void otherwise_runs_when_the_time_is_over_and_its_result_is_the_nodes() {
        String first = draft.as(draft.sql("first"), "a");
        String slow = draft.sql("slow");
        String other = draft.sql("SELECT $a");
        String limited = draft.as(draft.limited(draft.then(first, slow), 1000, other), "r");
        String last = draft.sql("SELECT $r");
        Simulation run = new Simulation(draft.graph(draft.then(limited, last)));
        run.succeed(first, "1");
        run.fire(limited);
        assertThat(run.openNodes()).containsExactly(other);
        assertThat(run.running(other)).as("sees the names of the body").isEqualTo("SELECT 1");

        Instant later = run.now;
        run.now = later.minus(Duration.ofHours(1));
        run.crash();
        assertThat(run.openNodes())
                .as("the clock was set back: the time is over nevertheless")
                .containsExactly(other);
        run.succeed(other, "9");
        assertThat(run.running(last)).isEqualTo("SELECT 9");
        assertThat(run.status(limited)).isEqualTo("completed");
    }

    @Test
    void an_outage_does_not_extend_the_time_and_nothing_begins_after_it() {
        String body = draft.sql("slow");
        String limited = draft.limited(body, 3_600_000, null);
        Simulation run = new Simulation(draft.graph(draft.then(limited, draft.sql("never"))));
        run.after(Duration.ofMinutes(50)).crash();
        assertThat(run.openNodes()).containsExactlyInAnyOrder(limited, body);
        run.after(Duration.ofMinutes(11)).crash();
        assertThat(run.end()).isEqualTo("FAILED Timed out: not done within 1h");
    }

    @Test
    void of_a_step_and_its_timeout_the_first_one_wins_and_the_other_decides_nothing() {
        String body = draft.sql("step");
        String limited = draft.limited(body, 1000, draft.sql("other"));
        Simulation run = new Simulation(draft.graph(limited));
        Activation timer = new Activation(limited, run.stamp(limited));
        run.after(Duration.ofSeconds(5)).succeed(body, "1");
        assertThat(run.end()).startsWith("COMPLETED");
        assertThat(Interpreter.decide(run.state, new Event.TimerFired(timer, run.now))
                        .checkpoint()
                        .isEmpty())
                .isTrue();
    }

    @Test
    void the_inner_one_of_two_ends_first_or_with_the_outer_one() {
        String slow = draft.sql("slow");
        String inner = draft.limited(slow, 1000, draft.sleep("50"));
        String outer = draft.limited(inner, 10_000, null);
        Simulation run = new Simulation(draft.graph(outer));
        run.fire(inner);
        assertThat(run.end()).isEqualTo("(goes on)");
        run.fire(outer);
        assertThat(run.end()).isEqualTo("FAILED Timed out: not done within 10s");

        GraphDraft second = new GraphDraft();
        String leaf = second.sql("slow");
        String within = second.limited(leaf, 50_000, second.sql("other"));
        String around = second.limited(within, 10_000, null);
        Simulation both = new Simulation(second.graph(around));
        both.fire(around);
        assertThat(both.interrupted).contains(leaf, within);
        assertThat(both.store.rows.get(within).canceled()).isEqualTo("timed out");
        assertThat(both.end()).startsWith("FAILED");
    }

    @Test
    void each_attempt_and_each_round_has_a_time_of_its_own() {
        String body = draft.sql("slow");
        String limited = draft.limited(body, 5000, null);
        String retry = draft.add(
                "RETRY",
                "{\"max_attempts\":2,\"initial_delay_ms\":1000,\"backoff\":1,\"max_delay_ms\":60000,\"retry_on\":[\"timeout\"]}",
                limited,
                null);
        Simulation run = new Simulation(draft.graph(retry));
        run.fire(limited);
        run.fire(retry);
        assertThat(run.store.rows.get(limited).wakeAt()).isEqualTo(run.now.plusMillis(5000));
        run.fire(limited);
        assertThat(run.end()).isEqualTo("FAILED Timed out: not done within 5s (given up after 2 attempts)");
    }

    @Test
    void a_handler_sees_that_the_time_was_over() {
        String limited = draft.limited(draft.sql("slow"), 250, null);
        String handler = draft.sql("SELECT $error, $error.code, $error.node");
        Simulation run = new Simulation(draft.graph(draft.guarded(limited, handler, "\"timeout\"")));
        run.fire(limited);
        assertThat(run.running(handler))
                .isEqualTo("SELECT 'Timed out: not done within 0.25s', 'timeout', '" + limited + "'");
    }

    @Test
    void a_branch_that_times_out_ends_its_join_in_turn_and_loses_or_decides_its_race() {
        String slow = draft.sql("slow");
        String limited = draft.limited(slow, 1000, null);
        String other = draft.sql("other");
        Simulation run = new Simulation(draft.graph(draft.join(limited, other)));
        run.fire(limited);
        assertThat(run.openNodes()).containsExactly(other);
        run.succeed(other, "1");
        assertThat(run.end()).isEqualTo("FAILED JOIN branch 1 failed: Timed out: not done within 1s");

        GraphDraft race = new GraphDraft();
        String left = race.limited(race.sql("slow"), 1000, null);
        String right = race.sql("fast");
        Simulation racing = new Simulation(race.graph(race.race(left, right)));
        racing.succeed(right, "1");
        assertThat(racing.end()).startsWith("COMPLETED");
        assertThat(racing.interrupted).contains(left);
    }

    @Test
    void a_cancel_ends_the_waiting_for_the_time_too() {
        String body = draft.sql("slow");
        String limited = draft.limited(body, 1000, draft.sql("other"));
        Simulation run = new Simulation(draft.graph(draft.then(draft.sql("a"), limited)));
        run.succeed(
                draft.rows().stream()
                        .filter(row -> "a".equals(row.query()))
                        .findFirst()
                        .orElseThrow()
                        .id(),
                "1");
        run.happens(new Event.Cancelled("enough", run.now));
        assertThat(run.interrupted).containsExactlyInAnyOrder(body, limited);
        assertThat(run.end()).isEqualTo("CANCELLED canceled: enough");
    }

    @Test
    void a_break_leaves_the_loop_around_it_and_stops_the_time() {
        String go = draft.sql("go");
        String limited = draft.limited(draft.then(go, draft.leave("done")), 1000, null);
        Simulation run = new Simulation(draft.graph(draft.loop(limited)));
        run.succeed(go, "1");
        assertThat(run.end()).startsWith("COMPLETED");
        assertThat(run.openNodes()).isEmpty();
    }

    @Test
    void the_rounds_of_a_loop_under_the_deadline_of_the_instance_are_its_executions() {
        String body = draft.sql("body");
        String loop = draft.loop(body, draft.sql("SELECT true"));
        String root = draft.add("TIMEOUT", "{\"deadline\":\"2026-01-01T02:00:00Z\"}", loop, null);
        Simulation run = new Simulation(draft.graph(root));
        assertThat(run.store.rows).as("the graph says until when").doesNotContainKey(root);
        run.after(Duration.ofSeconds(2)).succeed(body, "1");
        run.succeed(draft.rows().get(1).id(), "true");
        assertThat(run.store.executions).hasSize(1);
        run.after(Duration.ofHours(3)).crash();
        assertThat(run.end())
                .isEqualTo("FAILED Timed out: the deadline of the instance, 2026-01-01T02:00:00Z, has passed");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "[]",
                "{\"within_ms\":0}",
                "{\"within_ms\":-5}",
                "{\"within_ms\":1.5}",
                "{\"within_ms\":\"5\"}",
                "{\"within_ms\":null}",
                "{\"within_ms\":99999999999999}",
                "{\"deadline\":\"tomorrow\"}",
                "{\"deadline\":\"2026-01-01T00:00:00Z\",\"within_ms\":1}",
            })
    void a_node_that_makes_no_sense_is_refused(String config) {
        String root = draft.add("TIMEOUT", config, draft.sql("x"), null);
        assertThatThrownBy(() -> draft.graph(root))
                .isInstanceOf(InvalidGraphException.class)
                .hasMessageContaining("TIMEOUT");
    }

    @Test
    void a_limit_within_a_longer_one_that_had_ended_both_stays_ended_when_their_branch_loses_the_race() {
        String slow = draft.sql("slow");
        String outer = draft.limited(draft.limited(slow, 1000, null), 60_000, null);
        String winner = draft.sql("winner");
        String last = draft.sql("last");
        Simulation run = new Simulation(
                draft.graph(draft.then(draft.race(draft.join(outer, draft.sql("other")), winner), last)));
        String inner = draft.graph(outer).children(outer).get(0);
        run.fire(inner);
        assertThat(run.status(outer)).isEqualTo("failed");
        run.succeed(winner, "1").crash();
        assertThat(run.status(outer)).isEqualTo("failed");
        assertThat(run.openNodes()).containsExactly(last);
    }
}
