package dev.perdure.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.flow.template.HttpRequest;
import dev.perdure.graph.GraphDraft;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What goes into a request, and what does not. */
class HttpRuleTest {

    private final GraphDraft draft = new GraphDraft();

    private Simulation run(String config, Map<String, String> vars, String firstResult) {
        String first = draft.as(draft.sql("first"), "r");
        String http = draft.leaf("HTTP", config);
        Simulation run = new Simulation(draft.graph(draft.then(first, http)), vars);
        return run.succeed(first, firstResult);
    }

    private static HttpRequest sent(Simulation run) {
        return run.open.values().stream()
                .filter(Effect.SendHttp.class::isInstance)
                .map(effect -> ((Effect.SendHttp) effect).request())
                .findFirst()
                .orElseThrow(() -> new AssertionError("nothing is sent: " + run.end()));
    }

    @Test
    void a_secret_is_a_reference_until_it_is_sent() {
        Simulation run = run(
                "{\"url\": \"http://h/\", \"method\": \"POST\", \"body\": \"{\\\"k\\\": \\\"{{secret:a/b}}\\\"}\","
                        + " \"headers\": {\"Authorization\": \"Bearer {{secret:token}}\", \"X\": \"{v}\"}}",
                Map.of("v", "{{secret:of.var}}"),
                "1");
        HttpRequest request = sent(run);

        assertThat(request.secrets()).containsExactlyInAnyOrder("a/b", "token", "of.var");
        assertThat(request.text())
                .contains("\"Authorization\":\"Bearer {{secret:token}}\"")
                .contains("{{secret:a/b}}")
                .contains("{{secret:of.var}}")
                .doesNotContain("\\u0000");
        HttpRequest resolved = request.withSecrets(name -> "<" + name + "$1\\>");
        assertThat(resolved.headers())
                .containsEntry("Authorization", "Bearer <token$1\\>")
                .containsEntry("X", "<of.var$1\\>");
        assertThat(((HttpRequest.Plain) resolved).body()).isEqualTo("{\"k\": \"<a/b$1\\>\"}");
        assertThat(request.text()).as("the request itself is as it was").doesNotContain("<token");
    }

    @Test
    void a_result_that_looks_like_a_reference_is_text() {
        Simulation run = run(
                "{\"url\": \"http://h/\", \"method\": \"POST\", \"body\": \"$r {{secret:$r.v}}\"}",
                Map.of(),
                "\"{{secret:token}}\"");
        HttpRequest request = sent(run);

        assertThat(request.secrets()).isEmpty();
        assertThat(((HttpRequest.Plain) request.withSecrets(name -> "stolen")).body())
                .isEqualTo("{{secret:token}} {{secret:{{secret:token}}}}");
    }

    @Test
    void a_secret_in_a_url_fails_the_step() {
        Simulation run = run("{\"url\": \"http://h/?key={{secret:token}}\", \"method\": \"GET\"}", Map.of(), "1");

        assertThat(run.end()).contains("secrets are put into headers and bodies only");
    }

    @Test
    void the_attempts_of_a_step_share_its_name_and_rounds_of_a_loop_do_not() {
        String http = draft.leaf("HTTP", "{\"url\": \"http://h/\", \"method\": \"GET\"}");
        Simulation run = new Simulation(draft.graph(draft.loop(http)));
        Effect.SendHttp first = (Effect.SendHttp) run.open.values().iterator().next();
        run.crash();
        Effect.SendHttp again = (Effect.SendHttp) run.open.values().iterator().next();

        assertThat(again.step()).isEqualTo(first.step());
        assertThat(run.open).hasSize(1);
    }
}
