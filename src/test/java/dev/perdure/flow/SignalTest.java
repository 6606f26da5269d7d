package dev.perdure.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.graph.GraphDraft;
import dev.perdure.graph.InvalidGraphException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** SIGNAL: waiting for a signal, and for a time. */
class SignalTest {

    private final GraphDraft draft = new GraphDraft();

    private String wait(String name) {
        return draft.leaf("SIGNAL", "{\"signal_name\":\"" + name + "\",\"timeout_seconds\":null}");
    }

    private String wait(String name, int seconds) {
        return draft.leaf("SIGNAL", "{\"signal_name\":\"" + name + "\",\"timeout_seconds\":" + seconds + "}");
    }

    @Test
    void a_signal_ends_the_wait_and_is_consumed_in_the_same_checkpoint() {
        String go = draft.as(wait("go"), "s");
        String then = draft.sql("SELECT $s.data, $s.timed_out");
        Simulation run = new Simulation(draft.graph(draft.then(go, then)));

        assertThat(run.open.values())
                .containsExactly(new Effect.AwaitSignal(new Activation(go, Simulation.S1), "go", null, null));
        assertThat(run.state.signalWaits()).containsExactly(new SignalWait(new Activation(go, Simulation.S1), "go"));
        assertThat(run.status(go)).as("rows say that it waits").isEqualTo("running");

        Decision decision = run.happens(new Event.SignalReceived(run.answer(go), 7, "{\"by\": \"me\"}", run.now));

        assertThat(decision.checkpoint().consumed()).containsExactly(new Consumption(7, go));
        assertThat(run.result(go))
                .isEqualTo("{\"data\": {\"by\": \"me\"}, \"timed_out\": false, \"signal_name\": \"go\"}");
        assertThat(run.running(then)).isEqualTo("SELECT '{\"by\":\"me\"}', false");
        assertThat(run.state.signalWaits()).isEmpty();
    }

    @Test
    void a_deadline_that_passes_ends_the_wait_well_and_survives_a_crash() {
        String go = wait("go", 60);
        Simulation run = new Simulation(draft.graph(go));
        var deadline = run.now.plusSeconds(60);

        run.after(Duration.ofSeconds(50)).crash();

        assertThat(run.open.values())
                .containsExactly(new Effect.AwaitSignal(
                        new Activation(go, Simulation.S1), "go", deadline, Duration.ofSeconds(10)));
        assertThat(run.state.waiting().until()).isEqualTo(deadline);
        run.fire(go);
        assertThat(run.end()).isEqualTo("COMPLETED {\"data\":null,\"timed_out\":true,\"signal_name\":\"go\"}");
        assertThat(run.store.consumed).isEmpty();
    }

    @Test
    void a_wait_that_lost_its_race_takes_no_signal() {
        String go = wait("go", 60);
        String other = draft.sql("SELECT 1");
        Simulation run = new Simulation(draft.graph(draft.race(go, other)));
        Activation lost = run.state.signalWaits().get(0).activation();
        run.succeed(other, "1");

        assertThat(run.end()).startsWith("COMPLETED");
        assertThat(run.interrupted).containsExactly(go);
        Decision late = Interpreter.decide(run.state, new Event.SignalReceived(lost, 1, "{}", run.now));
        assertThat(late.checkpoint().isEmpty()).isTrue();
    }

    @Test
    void waits_are_served_in_the_order_in_which_they_began() {
        String step = draft.sql("SELECT 1");
        String second = wait("go");
        String first = wait("go");
        Simulation run = new Simulation(draft.graph(draft.join(draft.then(step, second), first)));
        run.after(Duration.ofSeconds(1)).succeed(step, "1");

        assertThat(run.state.signalWaits().stream()
                        .map(wait -> wait.activation().nodeId()))
                .containsExactly(first, second);
    }

    @Test
    void an_instance_that_only_waits_can_leave_memory_and_one_with_a_step_cannot() {
        String step = draft.sql("SELECT 1");
        Simulation run = new Simulation(draft.graph(draft.join(wait("go"), step)));
        assertThat(run.state.waiting().only()).isFalse();
        run.succeed(step, "1");
        assertThat(run.state.waiting().only()).isTrue();
        assertThat(run.state.waiting().until()).isNull();
    }

    @Test
    void a_cancellation_ends_the_wait() {
        String go = wait("go");
        Simulation run = new Simulation(draft.graph(go));
        run.happens(new Event.Cancelled("enough", run.now));

        assertThat(run.error(go)).isEqualTo("canceled: enough");
        assertThat(run.interrupted).isEqualTo(List.of(go));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{\"signal_name\":\"\"}",
                "{\"signal_name\":7}",
                "[1]",
                "nothing",
                "{\"signal_name\":\"x\",\"timeout_seconds\":0}",
                "{\"signal_name\":\"x\",\"timeout_seconds\":1.5}",
                "{\"signal_name\":\"x\",\"timeout_seconds\":\"5\"}",
                "{\"signal_name\":\"x\",\"timeout_seconds\":3000000000}"
            })
    void a_hand_written_configuration_that_is_wrong_is_refused_with_its_node(String config) {
        String go = draft.leaf("SIGNAL", config);
        assertThatThrownBy(() -> draft.graph(go))
                .isInstanceOf(InvalidGraphException.class)
                .hasMessageContaining("node " + go);
    }
}
