package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The members of an object in a manifest, by name and type. Null means absent, as everywhere in Kubernetes. */
final class Fields {

    private final JsonNode object;
    private final Place place;

    private Fields(JsonNode object, Place place) {
        this.object = object;
        this.place = place;
    }

    /** An object without other members than these. */
    static Fields of(JsonNode value, Place place, String... known) throws InvalidDefinitionException {
        List<String> allowed = Arrays.asList(known);
        if (!value.isObject()) {
            throw place.invalid("expected an object with " + String.join(", ", allowed) + ", found " + kind(value));
        }
        for (Iterator<String> names = value.fieldNames(); names.hasNext(); ) {
            String name = names.next();
            if (!allowed.contains(name)) {
                throw place.member(name).invalid("unknown field: there are " + String.join(", ", allowed));
            }
        }
        return new Fields(value, place);
    }

    @Nullable JsonNode optional(String name) {
        JsonNode value = object.get(name);
        return value == null || value.isNull() ? null : value;
    }

    JsonNode required(String name) throws InvalidDefinitionException {
        JsonNode value = optional(name);
        if (value == null) {
            throw place.invalid("'" + name + "' is missing");
        }
        return value;
    }

    String text(String name) throws InvalidDefinitionException {
        return text(required(name), place.member(name));
    }

    @Nullable String optionalText(String name) throws InvalidDefinitionException {
        JsonNode value = optional(name);
        return value == null ? null : text(value, place.member(name));
    }

    /** A whole number from 1 to the largest {@code integer}. */
    @Nullable Integer optionalPositive(String name) throws InvalidDefinitionException {
        JsonNode value = optional(name);
        if (value == null) {
            return null;
        }
        if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 1) {
            throw place.member(name).invalid("expected a whole number of at least 1");
        }
        return value.intValue();
    }

    Place place(String name) {
        return place.member(name);
    }

    /** A text that is not blank. */
    static String text(JsonNode value, Place place) throws InvalidDefinitionException {
        if (!value.isTextual()) {
            throw place.invalid("expected a text, found " + kind(value));
        }
        if (value.textValue().isBlank()) {
            throw place.invalid("must not be empty");
        }
        if (value.textValue().indexOf('\0') >= 0) {
            throw place.invalid("holds the character 0, which PostgreSQL cannot store");
        }
        return value.textValue();
    }

    /** The kind of a value, for messages. */
    static String kind(JsonNode value) {
        return switch (value.getNodeType()) {
            case ARRAY -> "a list";
            case OBJECT, POJO -> "an object";
            case STRING -> "a text";
            case NUMBER -> "a number";
            case BOOLEAN -> "a boolean";
            default -> "nothing";
        };
    }
}
