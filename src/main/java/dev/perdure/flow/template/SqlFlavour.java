package dev.perdure.flow.template;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.result.ResultDocument;
import java.util.List;
import java.util.Set;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * Values as SQL literals (specification 4.5; types after {@code docs/compatibility}).
 *
 * @param isTyped whether an expression can stand there, so that a value can have the type of its column
 */
record SqlFlavour(boolean isTyped) implements Flavour {

    /** Of the result of a map, beside its row. */
    private static final String ITEMS = "items";

    /** Types that nothing can be cast to: their values go on as the text that PostgreSQL printed. */
    private static final Set<String> ONLY_PRINTED = Set.of(
            "void",
            "record",
            "unknown",
            "cstring",
            "internal",
            "anyarray",
            "gtsvector",
            "pg_node_tree",
            "pg_ndistinct",
            "pg_dependencies",
            "pg_mcv_list",
            "pg_brin_bloom_summary",
            "pg_brin_minmax_multi_summary");

    /** Types whose values are as good as text, or that JSON has itself: a literal takes its type from its place. */
    private static final Set<String> AS_TEXT =
            Set.of("text", "varchar", "bpchar", "char", "name", "json", "jsonb", "refcursor");

    /** As bare words these mean {@code character(1)} and {@code bit(1)}. */
    private static final Set<String> QUOTED = Set.of("char", "bit");

    /** Types that JSON shows as numbers and that no number can be cast to. */
    private static final Set<String> ONLY_FROM_TEXT = Set.of("xid", "cid", "xid[]", "cid[]");

    @Override
    public String value(JsonNode value, @Nullable String type) {
        if (value.isNumber() || value.isBoolean()) {
            return Json.write(value);
        }
        String literal = literal(value.isTextual() ? value.textValue() : Json.write(value));
        return isTyped && value.isTextual() && type != null && hasOwnType(type) ? literal + "::" + type(type) : literal;
    }

    /** Values of such a type compute only as that type. What names an object (regclass) must not look for it. */
    private static boolean hasOwnType(String type) {
        return !AS_TEXT.contains(type) && !ONLY_PRINTED.contains(type) && !type.startsWith("reg") && !isArray(type);
    }

    @Override
    public String nothing() {
        return "NULL";
    }

    @Override
    public @Nullable String missing(Reference reference, ResultDocument document) {
        JsonNode items = document.json().get(ITEMS);
        if (items == null || !ITEMS.equals(reference.column())) {
            return null;
        }
        // What a map has left: the server reads its items where they are.
        return "df.items(" + literal(items.path("instance").asText()) + ", "
                + literal(items.path("node").asText()) + ", "
                + items.path("generation").asInt() + ")";
    }

    @Override
    public String rows(String name, ResultDocument document) {
        List<ResultDocument.Column> columns = document.columns();
        if (columns.isEmpty()) {
            return "(SELECT NULL WHERE false) AS " + identifier(name);
        }
        StringJoiner names = new StringJoiner(", ", "(", ")");
        columns.forEach(column -> names.add(identifier(column.name())));
        StringBuilder out = new StringBuilder("(");
        if (document.rowCount() == 0) {
            StringJoiner nulls = new StringJoiner(", ", "SELECT ", " WHERE false");
            columns.forEach(column -> nulls.add("NULL::" + type(column.type())));
            out.append(nulls);
        } else {
            StringJoiner tuples = new StringJoiner(", ", "VALUES ", "");
            for (int i = 0; i < document.rowCount(); i++) {
                tuples.add(tuple(document.row(i), columns));
            }
            out.append(tuples);
        }
        return out.append(") AS ").append(identifier(name)).append(names).toString();
    }

    @Override
    public String array(List<JsonNode> values, @Nullable String type) {
        if (type == null) {
            return values.isEmpty() ? "'{}'" : elements(values, null);
        }
        String element = type(type);
        return elements(values, element) + "::" + (isArray(element) ? element : element + "[]");
    }

    /** One value that is an array, with its type. */
    static String arrayValue(JsonNode value, @Nullable String type) {
        if (type == null) {
            return value.isEmpty() ? "'{}'" : elements(value, null);
        }
        return typed(value, type);
    }

    /** The element type is known by its name: {@code int4[]}, or {@code _int4} as {@code pg_type} has it. */
    static boolean isArray(@Nullable String type) {
        return type != null && (type.endsWith("[]") || type.startsWith("_"));
    }

    private static String tuple(@Nullable JsonNode row, List<ResultDocument.Column> columns) {
        StringJoiner values = new StringJoiner(", ", "(", ")");
        for (ResultDocument.Column column : columns) {
            JsonNode value = row == null ? null : row.get(column.name());
            values.add(typed(value, column.type()));
        }
        return values.toString();
    }

    private static String typed(@Nullable JsonNode value, @Nullable String type) {
        if (type == null) {
            if (value == null || value.isNull()) {
                return "NULL";
            }
            return value.isNumber() || value.isBoolean() ? Json.write(value) : text(value) + "::text";
        }
        return element(value, type(type)) + "::" + type(type);
    }

    private static String elements(Iterable<JsonNode> values, @Nullable String type) {
        StringJoiner out = new StringJoiner(",", "ARRAY[", "]");
        values.forEach(value -> out.add(element(value, type)));
        return out.toString();
    }

    /** One value that a cast to its type follows, or an element of an array. */
    private static String element(@Nullable JsonNode value, @Nullable String type) {
        if (value == null || value.isNull()) {
            return "NULL";
        }
        if (isJson(type)) {
            return literal(Json.write(value));
        }
        if (value.isArray() && isArray(type)) {
            return elements(value, isJson(elementType(type)) ? elementType(type) : type);
        }
        boolean bare = (value.isNumber() || value.isBoolean()) && (type == null || !ONLY_FROM_TEXT.contains(type));
        return bare ? bare(value) : text(value);
    }

    /** A cast binds closer than a minus sign: {@code -1::int2} is the negative of {@code 1::int2}. */
    private static String bare(JsonNode value) {
        String text = Json.write(value);
        return text.startsWith("-") ? "(" + text + ")" : text;
    }

    private static String text(JsonNode value) {
        return literal(value.isTextual() ? value.textValue() : Json.write(value));
    }

    private static boolean isJson(@Nullable String type) {
        return type != null && (type.equals("json") || type.equals("jsonb"));
    }

    private static @Nullable String elementType(@Nullable String type) {
        return type == null || !type.endsWith("[]") ? type : type.substring(0, type.length() - 2);
    }

    /** A type's name in a cast. */
    private static String type(@Nullable String type) {
        if (type == null) {
            return "text";
        }
        if (type.startsWith("_")) {
            return type(type.substring(1)) + "[]";
        }
        if (ONLY_PRINTED.contains(type)) {
            return "text";
        }
        return QUOTED.contains(type) ? identifier(type) : type;
    }

    /** A string literal that means the same whatever {@code standard_conforming_strings} says. */
    static String literal(String text) {
        String doubled = text.replace("'", "''");
        return text.indexOf('\\') < 0 ? "'" + doubled + "'" : "E'" + doubled.replace("\\", "\\\\") + "'";
    }

    static String identifier(String name) {
        return '"' + name.replace("\"", "\"\"") + '"';
    }
}
