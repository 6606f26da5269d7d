package dev.perdure.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.graph.GraphDraft;
import dev.perdure.graph.InvalidGraphException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** WAIT_EVENT: waiting for what another instance publishes. */
class EventWaitTest {

    private final GraphDraft draft = new GraphDraft();

    private String wait(String publisher, String timeout) {
        return draft.leaf(
                "WAIT_EVENT",
                "{\"instance_id\":\"" + publisher + "\",\"event_name\":\"ready\",\"timeout_seconds\":" + timeout + "}");
    }

    @Test
    void what_it_waits_for_is_written_down_when_it_begins_and_taken_away_when_it_ends() {
        String start = draft.as(draft.sql("SELECT df.start('x') AS id"), "p");
        String ready = draft.as(wait("$p.id", "null"), "e");
        Simulation run = new Simulation(draft.graph(draft.then(start, draft.then(ready, draft.sql("SELECT $e.data")))));
        Decision begun = run.happens(run.success(
                run.answer(start), "{\"rows\":[{\"id\":\"e1e1e1e1\"}],\"row_count\":1}", "[[\"id\",\"text\"]]"));

        assertThat(begun.checkpoint().eventWaits()).containsExactly(new EventWait(ready, "e1e1e1e1", "ready"));
        Effect.AwaitSignal effect =
                (Effect.AwaitSignal) run.open.values().iterator().next();
        assertThat(effect.name()).isEqualTo("\u0001" + ready);
        assertThat(run.state.waiting().only()).isTrue();
        run.crash();
        assertThat(run.open.values()).containsExactly(effect);

        Decision ended = run.happens(new Event.SignalReceived(run.answer(ready), 7, "{\"n\": 1}", run.now));
        assertThat(ended.checkpoint().consumed()).as("an event stays").isEmpty();
        assertThat(ended.checkpoint().eventWaits()).containsExactly(new EventWait(ready, null, "ready"));
        assertThat(run.result(ready))
                .isEqualTo("{\"data\": {\"n\": 1}, \"timed_out\": false, \"event_name\": \"ready\"}");
    }

    @Test
    void a_deadline_ends_it_well_and_an_instance_that_cannot_be_seen_does_not() {
        Simulation late = new Simulation(draft.graph(wait("e1e1e1e1", "60")));
        late.fire(late.open.keySet().iterator().next().nodeId());
        assertThat(late.end()).isEqualTo("COMPLETED {\"data\":null,\"timed_out\":true,\"event_name\":\"ready\"}");

        GraphDraft other = new GraphDraft();
        String hidden = other.leaf("WAIT_EVENT", "{\"instance_id\":\"e1e1e1e1\",\"event_name\":\"ready\"}");
        Simulation run = new Simulation(other.graph(hidden));
        run.happens(new Event.SignalReceived(run.answer(hidden), -1, "\"e1e1e1e1\"", run.now));
        assertThat(run.end()).startsWith("FAILED Instance not found or access denied: e1e1e1e1");
    }

    @Test
    void a_reference_that_is_no_id_fails_the_node() {
        String start = draft.as(draft.sql("SELECT 1"), "p");
        Simulation run = new Simulation(draft.graph(draft.then(start, wait("$p.nope", "null"))));
        run.succeed(start, "1");
        assertThat(run.end()).startsWith("FAILED $p.nope: result has no field 'nope'");
    }

    @Test
    void a_signal_can_have_any_name() {
        String odd = draft.leaf("SIGNAL", "{\"signal_name\":\"\\u0001" + "00000000\"}");
        Simulation run = new Simulation(draft.graph(odd));
        assertThat(run.state.signalWaits().get(0).name()).isEqualTo("\u0001\u000100000000");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{\"instance_id\":\" \",\"event_name\":\"x\"}",
                "{\"instance_id\":\"a\",\"event_name\":\"\"}",
                "{\"instance_id\":\"a\"}",
                "{\"instance_id\":1,\"event_name\":\"x\"}",
                "{\"instance_id\":\"a\",\"event_name\":\"x\",\"timeout_seconds\":0}",
                "{\"instance_id\":\"a\",\"event_name\":\"x\",\"timeout_seconds\":\"1\"}",
                "nonsense"
            })
    void a_configuration_that_makes_no_sense_is_refused(String config) {
        String node = draft.leaf("WAIT_EVENT", config);
        assertThatThrownBy(() -> draft.graph(node)).isInstanceOf(InvalidGraphException.class);
    }
}
