package dev.perdure.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.graph.GraphDraft;
import dev.perdure.graph.InvalidGraphException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** RETRY: attempts in fresh scopes, delays that survive, and what counts as a failure. */
class RetryTest {

    private final GraphDraft draft = new GraphDraft();

    private static Instant due(Simulation run, String node) {
        return run.open.values().stream()
                .filter(effect -> effect.activation().nodeId().equals(node))
                .map(effect -> ((Effect.StartTimer) effect).at())
                .findFirst()
                .orElseThrow();
    }

    private RowStore.Row row(Simulation run, String node) {
        return Objects.requireNonNull(run.store.rows.get(node));
    }

    @Test
    void a_step_that_fails_is_run_again_after_a_delay_and_its_result_is_that_of_the_retry() {
        String step = draft.sql("SELECT 1");
        String retry = draft.as(draft.retry(step, 3, null), "r");
        String last = draft.sql("SELECT $r");
        Simulation run = new Simulation(draft.graph(draft.then(retry, last)));
        run.fail(step, "no luck");

        assertThat(run.openNodes()).containsExactly(retry);
        assertThat(row(run, retry).error()).isEqualTo("no luck");
        assertThat(row(run, retry).attempt()).isEqualTo(2);
        assertThat(row(run, retry).wakeAt())
                .isEqualTo(due(run, retry))
                .isBetween(run.now.plusMillis(800), run.now.plusMillis(1200));
        assertThat(run.status(step)).isEqualTo("failed");

        run.fire(retry).succeed(step, "7");
        assertThat(run.status(retry)).isEqualTo("completed");
        assertThat(row(run, retry).error()).isNull();
        assertThat(row(run, retry).attempt()).isEqualTo(2);
        assertThat(run.running(last)).isEqualTo("SELECT 7");
        run.succeed(last, "7");
        assertThat(run.end()).startsWith("COMPLETED");
    }

    @Test
    void the_last_failure_fails_the_node_with_the_count() {
        String step = draft.sql("SELECT 1");
        String retry = draft.retry(step, 3, null);
        Simulation run = new Simulation(draft.graph(retry));
        run.fail(step, "one").fire(retry).fail(step, "two").fire(retry).fail(step, "three");

        assertThat(run.end()).isEqualTo("FAILED three (given up after 3 attempts)");
        assertThat(row(run, retry).attempt()).isEqualTo(3);
        assertThat(run.stamp(retry)).isEqualTo(Simulation.ID + "::3");
    }

    @Test
    void a_delay_survives_a_crash_with_its_time_and_its_attempt() {
        String step = draft.sql("SELECT 1");
        String retry = draft.retry(step, null, null);
        Simulation run = new Simulation(draft.graph(retry));
        run.fail(step, "one");
        Instant due = due(run, retry);
        run.after(Duration.ofMillis(100)).crash();

        assertThat(due(run, retry)).isEqualTo(due);
        run.fire(retry);
        assertThat(run.running(step)).isEqualTo("SELECT 1");
        run.crash();
        assertThat(due(run, retry)).as("at once, since the time has passed").isEqualTo(due);
        run.fire(retry);
        assertThat(run.running(step)).isEqualTo("SELECT 1");
        run.succeed(step, "1");
        assertThat(run.end()).startsWith("COMPLETED");
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "-",
            value = {
                "40,40001,true",
                "40,40P01,true",
                "40001,40P01,false",
                "57P01,57P01,true",
                "40,-,false",
                "-,-,true",
                "-,22012,true",
                "http:5xx,http:503,true",
                "http:5xx,http:429,false",
                "http:429,http:429,true",
                "http:error,http:error,true",
                "http:error,http:503,false",
                "http:5xx,http:error,false",
                "40,http:400,false"
            })
    void conditions_are_sqlstates_classes_and_http_outcomes(
            @Nullable String condition, @Nullable String code, boolean matches) {
        assertThat(FailureCode.matches(condition == null ? null : List.of(condition), code))
                .isEqualTo(matches);
    }

    @Test
    void a_failure_that_is_not_listed_fails_at_once() {
        String step = draft.sql("SELECT 1");
        String retry = draft.retry(step, 3, "40");
        Simulation run = new Simulation(draft.graph(retry));
        run.fail(step, "serialization", "40001").fire(retry).fail(step, "division by zero", "22012");

        assertThat(run.end()).isEqualTo("FAILED division by zero (attempt 2, no failure to be retried on)");
    }

    @Test
    void names_that_a_failed_attempt_bound_are_gone_and_those_of_the_last_one_go_on() {
        String first = draft.as(draft.sql("SELECT 1"), "a");
        String second = draft.sql("SELECT 2");
        String retry = draft.retry(draft.then(first, second), 3, null);
        String last = draft.sql("SELECT $a");
        Simulation run = new Simulation(draft.graph(draft.then(retry, last)));
        run.succeed(first, "5").fail(second, "no").fire(retry);

        assertThat(run.openNodes()).as("from the beginning").containsExactly(first);
        run.succeed(first, "6").succeed(second, "0");
        assertThat(run.running(last)).isEqualTo("SELECT 6");
    }

    @Test
    void what_stands_before_the_retry_is_not_run_again() {
        String before = draft.as(draft.sql("SELECT 1"), "b");
        String step = draft.sql("SELECT $b");
        String retry = draft.retry(step, 2, null);
        Simulation run = new Simulation(draft.graph(draft.then(before, retry)));
        run.succeed(before, "5").fail(step, "no").crash().fire(retry);

        assertThat(run.running(step)).isEqualTo("SELECT 5");
        assertThat(run.status(before)).isEqualTo("completed");
    }

    @Test
    void a_branch_that_failed_before_a_crash_still_has_its_kind_of_failure() {
        String a = draft.sql("SELECT a");
        String b = draft.sql("SELECT b");
        String retry = draft.retry(draft.join(a, b), 2, "40");
        Simulation run = new Simulation(draft.graph(retry));
        run.fail(a, "serialization", "40001").crash();
        run.succeed(b, "1");

        assertThat(run.openNodes()).containsExactly(retry);
        run.fire(retry);
        assertThat(run.openNodes()).as("both branches again").containsExactlyInAnyOrder(a, b);
    }

    private static final String REQUEST =
            "{\"url\":\"http://localhost/\",\"method\":\"GET\",\"body\":null,\"headers\":null,\"timeout_seconds\":30}";

    @Test
    void an_answer_that_asks_for_another_try_fails_its_request_before_anything_uses_it() {
        String request = draft.leaf("HTTP", REQUEST);
        String use = draft.sql("SELECT 1");
        String retry = draft.retry(draft.then(request, use), 3, null);
        Simulation run = new Simulation(draft.graph(retry));
        run.succeed(request, "{\"status\":429,\"ok\":false,\"headers\":{\"retry-after\":\"7\"},\"body\":\"\"}", null);

        assertThat(run.error(request)).isEqualTo("HTTP request was answered with status 429");
        assertThat(due(run, retry)).isEqualTo(run.now.plusSeconds(7));
        run.fire(retry).succeed(request, "{\"status\":404,\"ok\":false,\"headers\":{},\"body\":\"\"}", null);
        assertThat(run.openNodes()).as("404 is an answer").containsExactly(use);
    }

    @Test
    void an_answer_is_no_failure_where_it_is_not_listed() {
        String request = draft.leaf("HTTP", REQUEST);
        Simulation run = new Simulation(draft.graph(draft.retry(request, 3, "http:error")));
        run.succeed(request, "{\"status\":429,\"ok\":false,\"headers\":{},\"body\":\"\"}", null);

        assertThat(run.end()).startsWith("COMPLETED");
    }

    @ParameterizedTest
    @CsvSource({"503, http:5xx, true", "503, http:error, false", "0, http:error, true", "0, http:5xx, false"})
    void a_request_that_failed_is_known_by_its_status(int status, String condition, boolean again) {
        String request = draft.leaf("HTTP", REQUEST);
        String retry = draft.retry(request, 3, condition);
        Simulation run = new Simulation(draft.graph(retry));
        Integer code = status == 0 ? null : status;
        run.happens(new Event.RequestFailed(run.answer(request), "no", code, "9", REQUEST, run.now, 1, run.now));

        assertThat(run.openNodes()).isEqualTo(again ? List.of(retry) : List.of());
        if (again) {
            assertThat(due(run, retry)).isEqualTo(run.now.plusSeconds(9));
        }
    }

    @Test
    void nested_retries_count_for_themselves() {
        String step = draft.sql("SELECT 1");
        String inner = draft.retry(step, 2, null);
        String outer = draft.retry(inner, 2, null);
        Simulation run = new Simulation(draft.graph(outer));
        run.fail(step, "1")
                .fire(inner)
                .fail(step, "2")
                .fire(outer)
                .fail(step, "3")
                .fire(inner)
                .fail(step, "4");

        assertThat(run.end()).isEqualTo("FAILED 4 (given up after 2 attempts) (given up after 2 attempts)");
    }

    @Test
    void a_break_passes_through_to_the_loop_around() {
        String retry = draft.retry(draft.leave("done"), 3, null);
        String loop = draft.loop(retry);
        Simulation run = new Simulation(draft.graph(loop));
        assertThat(run.end()).isEqualTo("COMPLETED \"done\"");
        assertThat(run.status(retry)).isEqualTo("completed");
    }

    @Test
    void a_retry_around_a_loop_begins_with_its_first_round() {
        String body = draft.as(draft.sql("SELECT 1"), "x");
        String condition = draft.sql("SELECT $x");
        String loop = draft.loop(body, condition);
        String retry = draft.retry(loop, 2, null);
        Simulation run = new Simulation(draft.graph(retry));
        run.after(Duration.ofSeconds(2)).succeed(body, "1").succeed(condition, "true");
        run.fail(body, "second round").crash();
        assertThat(run.error(loop)).isEqualTo("second round");
        run.fire(retry).succeed(body, "2").crash().succeed(condition, "false");

        assertThat(run.end()).startsWith("COMPLETED");
        assertThat(run.stamp(loop)).isEqualTo(Simulation.ID + "::2::" + loop + "::1");
    }

    @Test
    void a_cancellation_or_a_lost_race_ends_the_waiting() {
        String step = draft.sql("SELECT 1");
        String retry = draft.retry(step, 3, null);
        String other = draft.sql("SELECT 2");
        Simulation run = new Simulation(draft.graph(draft.race(retry, other)));
        run.fail(step, "no").succeed(other, "2");
        assertThat(run.end()).startsWith("COMPLETED");
        assertThat(run.error(retry)).isEqualTo("canceled: lost race");
        assertThat(run.interrupted).containsExactly(retry);

        Simulation cancelled = new Simulation(draft.graph(retry));
        cancelled.fail(step, "no").happens(new Event.Cancelled("enough", cancelled.now));
        assertThat(cancelled.error(retry)).isEqualTo("canceled: enough");
        assertThat(cancelled.interrupted).containsExactly(retry);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "x",
                "{\"max_attempts\":0,\"initial_delay_ms\":1,\"backoff\":1,\"max_delay_ms\":1}",
                "{\"max_attempts\":1,\"initial_delay_ms\":-1,\"backoff\":1,\"max_delay_ms\":1}",
                "{\"max_attempts\":1,\"initial_delay_ms\":1,\"backoff\":0.5,\"max_delay_ms\":1}",
                "{\"max_attempts\":1,\"initial_delay_ms\":1,\"backoff\":1e999,\"max_delay_ms\":1}",
                "{\"max_attempts\":1,\"initial_delay_ms\":1,\"backoff\":1,\"max_delay_ms\":315576000001}",
                "{\"max_attempts\":1,\"initial_delay_ms\":1,\"backoff\":1,\"max_delay_ms\":1,\"retry_on\":\"40\"}",
                "{\"max_attempts\":1,\"initial_delay_ms\":1,\"backoff\":1,\"max_delay_ms\":1,\"retry_on\":[\"4\"]}"
            })
    void a_hand_written_configuration_that_is_wrong_is_refused_with_its_node(String config) {
        String retry = draft.add("RETRY", config, draft.sql("SELECT 1"), null);
        assertThatThrownBy(() -> draft.graph(retry))
                .isInstanceOf(InvalidGraphException.class)
                .hasMessageContaining("node " + retry)
                .hasMessageContaining("RETRY");
    }
}
