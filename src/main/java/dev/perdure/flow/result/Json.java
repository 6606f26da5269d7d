package dev.perdure.flow.result;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * JSON as {@code jsonb} keeps it. A result must read the same whether it comes from memory or, after a crash, from a
 * {@code jsonb} column, which orders keys by length and then bytes, keeps the last of duplicate keys, and keeps numbers
 * as exact decimals (PostgreSQL manual, 8.14). So both are brought into that form, written without blanks.
 */
public final class Json {

    /** jsonb's own limits on digits before and after the point; beyond them a number cannot be stored anyway. */
    private static final int MAX_SCALE = 16_383;

    private static final int MAX_POWER = 131_072;

    /** The memory of a value while it is read: a node, and its place in the one around it. */
    private static final long NODE = 96;

    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(2_000)
                            .maxNumberLength(MAX_SCALE + MAX_POWER + 16)
                            .maxStringLength(Integer.MAX_VALUE)
                            .maxNameLength(Integer.MAX_VALUE)
                            .build())
                    .build())
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .build();

    private Json() {}

    /** Reads a text; null when it is not valid JSON. */
    public static @Nullable JsonNode parse(String text) {
        try {
            JsonNode node = MAPPER.readTree(text);
            return node.isMissingNode() ? null : node;
        } catch (JsonProcessingException e) {
            return null;
        }
    }

    /**
     * The memory that a text takes while it is taken apart, about, and rather more than less: its characters, and a node with its place in the
     * one around it for each value and each member. A few characters can be an object of 200 bytes.
     */
    public static long weight(String text) {
        long nodes = 1;
        boolean quoted = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"') {
                quoted = !quoted;
            } else if (quoted) {
                i += c == '\\' ? 1 : 0;
            } else if (c == ',' || c == ':' || c == '{' || c == '[') {
                nodes++;
            }
        }
        return nodes * NODE + text.length();
    }

    /** Whether a text is JSON. */
    public static boolean isValid(String text) {
        return parse(text) != null;
    }

    /** The canonical form of a JSON text; a text that is not JSON stays as it is. */
    public static String canonical(String text) {
        JsonNode node = parse(text);
        return node == null ? text : write(node);
    }

    public static String write(JsonNode node) {
        StringBuilder out = new StringBuilder();
        write(node, out);
        return out.toString();
    }

    public static void write(JsonNode node, StringBuilder out) {
        if (node.isObject()) {
            writeMembers(node, sortedNames(node), out);
        } else if (node.isArray()) {
            char separator = '[';
            for (JsonNode element : node) {
                out.append(separator);
                write(element, out);
                separator = ',';
            }
            out.append(separator == '[' ? "[]" : "]");
        } else if (node.isTextual()) {
            quote(node.textValue(), out);
        } else if (node.isNumber()) {
            out.append(number(node.decimalValue()));
        } else {
            out.append(node.asText());
        }
    }

    /** An object with its members in the given order; names that it lacks are left out. */
    public static void writeMembers(JsonNode object, Iterable<String> names, StringBuilder out) {
        char separator = '{';
        for (String name : names) {
            JsonNode value = object.get(name);
            if (value != null) {
                out.append(separator);
                quote(name, out);
                out.append(':');
                write(value, out);
                separator = ',';
            }
        }
        out.append(separator == '{' ? "{}" : "}");
    }

    /** Member names in jsonb's order. */
    public static List<String> sortedNames(JsonNode object) {
        List<String> names = new ArrayList<>(object.size());
        object.fieldNames().forEachRemaining(names::add);
        if (names.size() > 1) {
            names.sort(Json::compareNames);
        }
        return names;
    }

    private static int compareNames(String a, String b) {
        byte[] left = a.getBytes(StandardCharsets.UTF_8);
        byte[] right = b.getBytes(StandardCharsets.UTF_8);
        return left.length != right.length ? left.length - right.length : Arrays.compareUnsigned(left, right);
    }

    private static String number(BigDecimal value) {
        boolean storable = value.scale() <= MAX_SCALE && (long) value.precision() - value.scale() <= MAX_POWER;
        return storable ? value.toPlainString() : value.toString();
    }

    public static String quoted(String text) {
        StringBuilder out = new StringBuilder(text.length() + 2);
        quote(text, out);
        return out.toString();
    }

    /** A result may have megabytes: parts without escapes are copied in one go. */
    public static void quote(String text, StringBuilder out) {
        out.append('"');
        int taken = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= ' ' && c != '"' && c != '\\') {
                continue;
            }
            out.append(text, taken, i).append(escaped(c));
            taken = i + 1;
        }
        if (taken == 0) {
            out.append(text);
        } else {
            out.append(text, taken, text.length());
        }
        out.append('"');
    }

    private static String escaped(char c) {
        return switch (c) {
            case '"' -> "\\\"";
            case '\\' -> "\\\\";
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            case '\b' -> "\\b";
            case '\f' -> "\\f";
            default -> String.format("\\u%04x", (int) c);
        };
    }
}
