package dev.perdure.web.api;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.perdure.web.Problem;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The content of a request: parts of the path, parameters of the query, a body. */
public final class Call {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String ID = "[0-9a-fA-F]{8}";

    private final Map<String, String> path;
    private final Map<String, String> query;
    private final JsonNode body;

    private Call(Map<String, String> path, Map<String, String> query, JsonNode body) {
        this.path = path;
        this.query = query;
        this.body = body;
    }

    /**
     * Reads a request.
     *
     * @param body text of a JSON object; empty for none
     * @throws Problem 400 for what the endpoint does not know
     */
    public static Call of(Endpoint endpoint, Map<String, String> path, Map<String, String> query, String body)
            throws Problem {
        requireKnown("parameter", endpoint.parameters(), query.keySet().iterator());
        JsonNode read = read(body);
        requireKnown("field", endpoint.fields(), read.fieldNames());
        for (Endpoint.Parameter field : endpoint.fields()) {
            JsonNode value = read.path(field.name());
            if (field.required()
                    && (value.isMissingNode()
                            || value.isNull()
                            || value.asText(" ").isEmpty() && !value.isContainerNode())) {
                throw Problem.of(400, "The body has no " + field.name());
            }
        }
        return new Call(path, query, read);
    }

    private static JsonNode read(String body) throws Problem {
        if (body.isBlank()) {
            return JSON.createObjectNode();
        }
        try {
            JsonNode read = JSON.readTree(body);
            if (read.isObject()) {
                return read;
            }
        } catch (JsonProcessingException e) {
            throw Problem.of(400, "The body is no JSON", e.getOriginalMessage());
        }
        throw Problem.of(400, "The body is not a JSON object");
    }

    private static void requireKnown(String what, List<Endpoint.Parameter> known, Iterator<String> given)
            throws Problem {
        Set<String> names = known.stream().map(Endpoint.Parameter::name).collect(Collectors.toSet());
        while (given.hasNext()) {
            String name = given.next();
            if (!names.contains(name)) {
                throw Problem.of(400, "There is no " + what + " of this name", name);
            }
        }
    }

    /** An id in the path; a text that cannot be one is not found. */
    String id(String name) throws Problem {
        String value = path.getOrDefault(name, "");
        if (!value.matches(ID)) {
            throw notFound();
        }
        return value;
    }

    /** A name in the path: any text. */
    String name(String name) throws Problem {
        String value = path.getOrDefault(name, "");
        if (value.isEmpty() || value.indexOf('\0') >= 0) {
            throw Problem.of(404, "There is nothing of this name");
        }
        return value;
    }

    /** The same for objects that do not exist and for those of others. */
    static Problem notFound() {
        return Problem.of(404, "There is no such instance of yours, or it has no such node");
    }

    /** The text that fills the path. */
    public String pathText() {
        return path.toString();
    }

    public @Nullable String parameter(String name) throws Problem {
        String value = query.get(name);
        if (value != null && value.indexOf('\0') >= 0) {
            throw Problem.of(400, "A parameter contains what no text can hold", name);
        }
        return value == null || value.isEmpty() ? null : value;
    }

    @Nullable OffsetDateTime time(String name) throws Problem {
        String value = parameter(name);
        try {
            return value == null ? null : OffsetDateTime.parse(value);
        } catch (DateTimeParseException e) {
            throw Problem.of(400, name + " is a time such as 2026-01-31T12:00:00Z");
        }
    }

    long number(String name, long without, long least, long most) throws Problem {
        String value = parameter(name);
        if (value == null) {
            return without;
        }
        Long number = value.matches("-?[0-9]{1,18}") ? Long.valueOf(value) : null;
        if (number == null || number < least || number > most) {
            throw Problem.of(400, name + " is a number from " + least + " to " + most);
        }
        return number;
    }

    /** A text of the body; null when it is not there. */
    @Nullable String text(String name) throws Problem {
        JsonNode value = body.path(name);
        if (value.isMissingNode() || value.isNull()) {
            return null;
        }
        if (!value.isTextual()) {
            throw Problem.of(400, name + " is a text");
        }
        if (value.textValue().indexOf('\0') >= 0) {
            throw Problem.of(400, "A field contains what no text can hold", name);
        }
        return value.textValue();
    }

    /** JSON of the body as text; null when it is not there. */
    @Nullable String json(String name) {
        JsonNode value = body.path(name);
        return value.isMissingNode() || value.isNull() ? null : value.toString();
    }
}
