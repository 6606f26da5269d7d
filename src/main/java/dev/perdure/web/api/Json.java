package dev.perdure.web.api;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.web.Problem;

/** JSON of callers and of PostgreSQL, with numbers of any size as they are written. */
final class Json {

    static final ObjectMapper MAPPER = new ObjectMapper().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);

    private Json() {}

    static ObjectNode object() {
        return MAPPER.createObjectNode();
    }

    /** An object that a caller has written in a parameter. */
    static ObjectNode read(String name, String text) throws Problem {
        try {
            JsonNode read = MAPPER.readTree(text);
            if (read instanceof ObjectNode object) {
                return object;
            }
        } catch (JsonProcessingException e) {
            throw Problem.of(400, name + " is no JSON", e.getOriginalMessage());
        }
        throw Problem.of(400, name + " is a JSON object, such as {\"customer\": 7}");
    }
}
