package dev.perdure.flow.rule;

import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.Running;
import dev.perdure.flow.template.HttpRequest;
import dev.perdure.flow.template.HttpTemplate;
import dev.perdure.graph.HttpNode;
import org.jspecify.annotations.Nullable;

/** HTTP: one request, sent by the engine. */
record HttpRule(HttpNode node) implements RequestRule {

    @Override
    public String config() {
        return node.config();
    }

    @Override
    public HttpRequest request(DecisionBuilder decision, Running run) {
        HttpTemplate template = new HttpTemplate("HTTP", node.config(), decision.substitution(node, run));
        // In this order: the first reference that cannot be resolved is the one that is reported.
        @Nullable String body = template.body();
        String url = template.url();
        return new HttpRequest.Plain(
                url,
                template.method(),
                body,
                template.headers(),
                template.timeoutSeconds(),
                template.expect(),
                template.options());
    }
}
