package dev.perdure.step;

import dev.perdure.database.Failure;
import dev.perdure.session.StepFailedException;
import java.util.Locale;

/** Conversion of a value's text, as PostgreSQL prints it, to JSON, by type (specification 4.6, differences "Results"). */
@FunctionalInterface
interface JsonValue {

    /** Appends the JSON of a value that is not NULL. */
    void append(String text, JsonOut out) throws StepFailedException;

    /**
     * The conversion of a type.
     *
     * @param type PostgreSQL's internal name, as pgjdbc knows it ({@code int4}, {@code _text})
     * @param column for error texts
     */
    static JsonValue of(String type, String column) {
        return switch (type) {
            case "bool" -> (text, out) -> out.append(text.equals("t") || text.equals("true") ? "true" : "false");
            case "int2", "int4", "int8", "serial", "bigserial", "smallserial", "oid", "xid", "cid" ->
                (text, out) -> out.append(text);
            case "float4", "float8" -> JsonNumber::appendFloat;
            case "json", "jsonb" -> (text, out) -> JsonText.append(text, column, out);
            case "timestamptz", "timestamp" -> (text, out) -> out.quote(isoTimestamp(text));
            case "void" -> (text, out) -> out.append("null");
            case "bytea" ->
                (text, out) -> {
                    throw unsupported("bytea", column, "Return encode(" + column + ", 'base64') or 'hex' instead.");
                };
            case "_bytea" ->
                (text, out) -> {
                    throw unsupported("bytea[]", column, "Return text made by encode() instead.");
                };
            default ->
                type.startsWith("_")
                        ? new ArrayValue(of(type.substring(1), column), type.equals("_box") ? ';' : ',')
                        : JsonValue::text;
        };
    }

    /** A value without a form of its own in JSON: PostgreSQL's text. */
    static void text(String text, JsonOut out) throws StepFailedException {
        out.quote(text);
    }

    /**
     * {@code 2026-01-31 12:00:00.5+00} becomes {@code 2026-01-31T12:00:00.500+00:00}: fraction of 0, 3 or 6 digits. What is
     * no plain date (infinity, BC, a year of five digits, which PostgreSQL reads in no other form) stays as it is printed.
     */
    private static String isoTimestamp(String text) {
        int blank = text.indexOf(' ');
        if (blank < 0 || text.endsWith("BC") || text.indexOf('-') > 4) {
            return text;
        }
        String date = text.substring(0, blank);
        String rest = text.substring(blank + 1);
        int zoneAt = Math.max(rest.indexOf('+'), rest.indexOf('-'));
        String time = zoneAt < 0 ? rest : rest.substring(0, zoneAt);
        String zone = zoneAt < 0 ? "" : rest.substring(zoneAt);
        if (zone.length() == 3) {
            zone += ":00";
        }
        int point = time.indexOf('.');
        if (point >= 0) {
            int digits = time.length() - point - 1;
            time += "0".repeat(digits <= 3 ? 3 - digits : 6 - digits);
        }
        return date + "T" + time + zone;
    }

    private static StepFailedException unsupported(String type, String column, String hint) {
        return new StepFailedException(new Failure(
                Failure.Kind.STEP,
                "0A000",
                "Unsupported column type '" + type.toUpperCase(Locale.ROOT) + "' for column '" + column + "'. "
                        + hint));
    }
}
