package dev.perdure.flow.rule;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.Running;
import dev.perdure.flow.template.HttpRequest;
import dev.perdure.flow.template.HttpTemplate;
import dev.perdure.flow.template.Substitution;
import dev.perdure.flow.template.SubstitutionException;
import dev.perdure.graph.MultipartNode;
import dev.perdure.graph.PartSyntax;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** HTTP_MULTIPART: one request with a {@code multipart/form-data} body, sent by the engine. */
record MultipartRule(MultipartNode node) implements RequestRule {

    @Override
    public String config() {
        return node.config();
    }

    @Override
    public HttpRequest request(DecisionBuilder decision, Running run) {
        Substitution substitution = decision.substitution(node, run);
        HttpTemplate template = new HttpTemplate("multipart HTTP", node.config(), substitution);
        String url = template.url();
        Map<String, String> headers = template.headers();
        JsonNode stored = template.member("parts");
        if (!stored.isArray() || stored.isEmpty()) {
            throw template.invalid("parts must be an array with at least one part");
        }
        List<HttpRequest.Part> parts = new ArrayList<>();
        for (JsonNode part : stored) {
            parts.add(part(part, template, substitution));
        }
        return new HttpRequest.Multipart(
                url,
                template.method(),
                parts,
                headers,
                template.timeoutSeconds(),
                template.expect(),
                template.options());
    }

    private HttpRequest.Part part(JsonNode part, HttpTemplate template, Substitution substitution) {
        if (!part.isObject()) {
            throw template.invalid("a part must be a JSON object");
        }
        String name = substitution.part(template.required(part, "name"));
        String filename = template.optional(part, "filename");
        String data = template.required(part, "data_b64");
        return new HttpRequest.Part(
                name,
                filename == null ? null : substitution.part(filename),
                template.optional(part, "content_type"),
                data(name, data, substitution));
    }

    /** Base64 takes a whole reference only: a text spliced into it would corrupt it. */
    private String data(String name, String data, Substitution substitution) {
        if (!PartSyntax.hasReference(data)) {
            return data;
        }
        if (!PartSyntax.isWholeReference(data)) {
            throw new SubstitutionException("HTTP_MULTIPART node " + node.id() + ": " + PartSyntax.mixed(name));
        }
        return substitution.part(data.strip());
    }
}
