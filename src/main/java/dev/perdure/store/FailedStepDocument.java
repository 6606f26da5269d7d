package dev.perdure.store;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.perdure.flow.FailedStep;
import dev.perdure.flow.Remark;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;

/** The form of a {@link FailedStep} in {@code df._map_items.failure}, and of remarks in a checkpoint. */
final class FailedStepDocument {

    private static final JsonMapper JSON = new JsonMapper();

    private FailedStepDocument() {}

    static String print(FailedStep step) {
        StringWriter out = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(out)) {
            json.writeStartObject();
            write(json, step);
            json.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toString();
    }

    static void write(JsonGenerator json, FailedStep step) throws IOException {
        json.writeStringField("node", step.node());
        json.writeStringField("node_type", step.type());
        json.writeStringField("path", step.path());
        write(json, "name", step.name());
        write(json, "executed_query", step.executedQuery());
        if (step.params() != null) {
            json.writeFieldName("params");
            json.writeRawValue(step.params());
        }
        write(json, "detail", step.detail());
        write(json, step.remark());
    }

    static void write(JsonGenerator json, Remark remark) throws IOException {
        write(json, "hint", remark.hint());
        if (remark.position() > 0) {
            json.writeNumberField("position", remark.position());
        }
        write(json, "step", remark.step());
    }

    private static void write(JsonGenerator json, String name, @Nullable String value) throws IOException {
        if (value != null) {
            json.writeStringField(name, value);
        }
    }

    static @Nullable FailedStep read(@Nullable String text) {
        if (text == null) {
            return null;
        }
        try {
            JsonNode step = JSON.readTree(text);
            JsonNode params = step.get("params");
            return new FailedStep(
                    step.path("node").asText(),
                    step.path("node_type").asText(),
                    step.path("path").asText(),
                    text(step, "name"),
                    text(step, "executed_query"),
                    params == null ? null : params.toString(),
                    text(step, "detail"),
                    new Remark(text(step, "hint"), step.path("position").asInt(), text(step, "step")),
                    true);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("df._map_items.failure is no failure: " + text, e);
        }
    }

    private static @Nullable String text(JsonNode object, String name) {
        JsonNode value = object.get(name);
        return value == null ? null : value.asText();
    }
}
