package dev.perdure.web;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The body sent to an address, as the data of a signal: JSON as it is, a form as an object of texts, any other text as a text. */
final class AnswerBody {

    private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private AnswerBody() {}

    /** Whether a body of this type can be taken at all. */
    static boolean isTaken(@Nullable String contentType) {
        String type = type(contentType);
        return isForm(type) || isJson(type) || type.isEmpty() || type.startsWith("text/");
    }

    /**
     * The data of a signal.
     *
     * @param contentType as the request has it, which {@link #isTaken}; null: it has none
     * @throws Problem 400 when it can be none
     */
    static String data(@Nullable String contentType, byte[] body) throws Problem {
        String type = type(contentType);
        String text = text(body);
        if (isForm(type)) {
            return form(text).toString();
        }
        if (isJson(type) && !text.isBlank()) {
            requireJson(text);
        }
        return text.isBlank() ? "{}" : text;
    }

    private static String type(@Nullable String contentType) {
        return contentType == null ? "" : contentType.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
    }

    private static boolean isForm(String type) {
        return type.equals("application/x-www-form-urlencoded");
    }

    private static boolean isJson(String type) {
        return type.equals("application/json") || type.endsWith("+json");
    }

    /** The comment of a decision: a member of that name, or a text that is neither JSON nor a form. */
    static String comment(String data) {
        try {
            JsonNode sent = JSON.readTree(data);
            return sent.isTextual() ? sent.textValue() : sent.path("comment").asText("");
        } catch (JsonProcessingException e) {
            return data;
        }
    }

    private static void requireJson(String text) throws Problem {
        try {
            JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw Problem.of(400, "The body is no JSON, as its Content-Type says");
        }
    }

    private static String text(byte[] body) throws Problem {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(body))
                    .toString();
        } catch (CharacterCodingException e) {
            throw Problem.of(400, "The body is not UTF-8");
        }
    }

    /** A field that is there several times is an array. */
    private static ObjectNode form(String text) throws Problem {
        ObjectNode fields = JSON.createObjectNode();
        for (String field : text.isEmpty() ? List.<String>of() : List.of(text.split("&"))) {
            String[] pair = field.split("=", 2);
            String name = decoded(pair[0]);
            String value = pair.length == 1 ? "" : decoded(pair[1]);
            JsonNode before = fields.get(name);
            if (before == null) {
                fields.put(name, value);
            } else if (before instanceof ArrayNode several) {
                several.add(value);
            } else {
                fields.putArray(name).add(before).add(value);
            }
        }
        return fields;
    }

    private static String decoded(String text) throws Problem {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw Problem.of(400, "The body is no form, as its Content-Type says");
        }
    }
}
