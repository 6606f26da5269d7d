package dev.perdure.flow.result;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;
import java.util.regex.Pattern;

/** Whether the result of a condition counts as true (specification 4.7, "Truthiness"). */
public final class Truth {

    private static final Pattern NUMBER =
            Pattern.compile("[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?", Pattern.CASE_INSENSITIVE);

    private Truth() {}

    /** A row set counts by the first column of its first row, anything else by itself; a text that is no JSON is false. */
    public static boolean of(Result result) {
        ResultDocument document = ResultDocument.of(result);
        if (document == null) {
            return false;
        }
        if (!document.isRowSet()) {
            return of(document.json());
        }
        if (document.rowCount() == 0) {
            return false;
        }
        JsonNode value = document.firstValue();
        return of(value == null ? document.json() : value);
    }

    private static boolean of(JsonNode value) {
        if (value.isBoolean()) {
            return value.booleanValue();
        }
        if (value.isNumber()) {
            return value.decimalValue().signum() != 0;
        }
        if (value.isTextual()) {
            return of(value.textValue().strip());
        }
        return value.isContainerNode() && !value.isEmpty();
    }

    private static boolean of(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "", "f", "false", "no" -> false;
            case "t", "true", "yes" -> true;
            default -> !NUMBER.matcher(text).matches() || Double.parseDouble(text) != 0;
        };
    }
}
