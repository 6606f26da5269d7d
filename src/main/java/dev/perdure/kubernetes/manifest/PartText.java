package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.graph.PartSyntax;
import org.jspecify.annotations.Nullable;

/** A part of a multipart request, checked as {@code df._check_part} does. */
final class PartText {

    private PartText() {}

    static void check(JsonNode part, Place place) throws InvalidDefinitionException {
        Fields fields = Fields.of(part, place, "name", "data_b64", "filename", "content_type");
        String name = fields.text("name");
        fields.optionalText("filename");
        checkData(fields, name);
        @Nullable String type = fields.optionalText("content_type");
        if (type != null && !PartSyntax.isMediaType(type)) {
            throw fields.place("content_type").invalid("'" + type + "' is not a media type, such as text/plain");
        }
    }

    private static void checkData(Fields fields, String name) throws InvalidDefinitionException {
        JsonNode data = fields.required("data_b64");
        Place place = fields.place("data_b64");
        if (!data.isTextual()) {
            throw place.invalid("expected a text, found " + Fields.kind(data));
        }
        if (PartSyntax.hasReference(data.textValue())) {
            if (!PartSyntax.isWholeReference(data.textValue())) {
                throw place.invalid(PartSyntax.mixed(name));
            }
            return;
        }
        try {
            PartSyntax.decode(data.textValue());
        } catch (IllegalArgumentException e) {
            throw place.invalid("neither base64 nor one reference, such as $result: " + e.getMessage());
        }
    }
}
