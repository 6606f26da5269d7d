package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** JSON as PostgreSQL prints it, so that a node translated here and one built in SQL are the same text. */
final class JsonText {

    /** The order of members in jsonb: shorter names first, then by bytes. */
    private static final Comparator<byte[]> MEMBERS =
            Comparator.<byte[]>comparingInt(name -> name.length).thenComparing(Arrays::compareUnsigned);

    private JsonText() {}

    /** A string as {@code to_json(text)} prints it. */
    static String quote(String text) {
        StringBuilder out = new StringBuilder(text.length() + 2).append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\b' -> out.append("\\b");
                case '\f' -> out.append("\\f");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                default -> {
                    if (c < ' ') {
                        out.append(String.format("\\u%04x", (int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        return out.append('"').toString();
    }

    /** A value as {@code df._compact(jsonb)} prints it. */
    static String compact(JsonNode value) {
        StringBuilder out = new StringBuilder();
        print(value, out);
        return out.toString();
    }

    /** A number as {@code numeric} prints it. */
    static String number(JsonNode number) {
        if (number.isIntegralNumber()) {
            return number.bigIntegerValue().toString();
        }
        // A double is the shortest text that means it: 0.1 and not 0.1000000000000000055. 1.0 has become 1 in the API
        // server.
        BigDecimal exact = number.isBigDecimal() ? number.decimalValue() : BigDecimal.valueOf(number.doubleValue());
        return exact.stripTrailingZeros().toPlainString();
    }

    private static void print(JsonNode value, StringBuilder out) {
        if (value.isObject()) {
            List<byte[]> names = new ArrayList<>();
            value.fieldNames().forEachRemaining(name -> names.add(name.getBytes(StandardCharsets.UTF_8)));
            names.sort(MEMBERS);
            out.append('{');
            for (byte[] utf8 : names) {
                String name = new String(utf8, StandardCharsets.UTF_8);
                out.append(out.charAt(out.length() - 1) == '{' ? "" : ",")
                        .append(quote(name))
                        .append(':');
                print(value.get(name), out);
            }
            out.append('}');
        } else if (value.isArray()) {
            out.append('[');
            for (int i = 0; i < value.size(); i++) {
                out.append(i == 0 ? "" : ",");
                print(value.get(i), out);
            }
            out.append(']');
        } else if (value.isTextual()) {
            out.append(quote(value.textValue()));
        } else if (value.isNumber()) {
            out.append(number(value));
        } else {
            out.append(value.asText()); // true, false, null
        }
    }
}
