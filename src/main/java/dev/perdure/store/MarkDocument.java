package dev.perdure.store;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.List;

/** The JSON document that {@code df._set_marks} reads. */
final class MarkDocument {

    private static final JsonFactory JSON = new JsonFactory();

    private MarkDocument() {}

    static String print(List<Journal.Mark> marks) {
        StringWriter out = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(out)) {
            json.writeStartArray();
            for (Journal.Mark mark : marks) {
                json.writeStartObject();
                json.writeStringField("instance", mark.instance());
                if (mark.node() != null) {
                    json.writeStringField("node", mark.node());
                    json.writeStringField("execution_id", mark.stamp());
                }
                if (mark.attempt() != null) {
                    json.writeNumberField("attempt", mark.attempt());
                }
                if (mark.startedAt() != null) {
                    json.writeStringField("started_at", JsonTime.print(mark.startedAt()));
                }
                Journal.Wait waits = mark.waits();
                if (waits != null) {
                    json.writeObjectFieldStart("waits");
                    json.writeStringField("reason", waits.reason());
                    json.writeStringField("since", JsonTime.print(waits.since()));
                    if (waits.nextTry() != null) {
                        json.writeStringField("next_try", JsonTime.print(waits.nextTry()));
                    }
                    json.writeEndObject();
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
