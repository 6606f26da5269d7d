package dev.perdure.flow;

import dev.perdure.graph.HttpNode;
import org.jspecify.annotations.Nullable;

/** HTTP: one request, sent by the engine. */
record HttpRule(HttpNode node) implements RequestRule {

    @Override
    public HttpRequest request(Turn turn, Running run) {
        HttpTemplate template = new HttpTemplate("HTTP", node.config(), turn.substitution(run));
        // In this order: the first reference that cannot be resolved is the one that is reported.
        @Nullable String body = template.body();
        String url = template.url();
        return new HttpRequest.Plain(url, template.method(), body, template.headers(), template.timeoutSeconds());
    }
}
