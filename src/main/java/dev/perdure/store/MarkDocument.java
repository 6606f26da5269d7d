package dev.perdure.store;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.List;

/** The JSON document that {@code df._mark_running} reads. */
final class MarkDocument {

    private static final JsonFactory JSON = new JsonFactory();

    private MarkDocument() {}

    static String of(List<InstanceStore.Mark> marks) {
        StringWriter out = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(out)) {
            json.writeStartArray();
            for (InstanceStore.Mark mark : marks) {
                json.writeStartObject();
                json.writeStringField("i", mark.instance());
                json.writeStringField("n", mark.node());
                if (mark.priorStamp() != null) {
                    json.writeStringField("p", mark.priorStamp());
                }
                json.writeStringField("s", mark.stamp());
                if (mark.startedAt() != null) {
                    json.writeStringField("b", mark.startedAt().toString());
                }
                if (mark.attempt() != null) {
                    json.writeNumberField("a", mark.attempt());
                }
                json.writeEndObject();
            }
            json.writeEndArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toString();
    }
}
