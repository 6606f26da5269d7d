package dev.perdure.flow.result;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A {@link Result} taken apart: a row set (specification 4.6) or any other JSON value. Columns come in the order of the
 * query, from {@link Result#columns()}; without those, in the order of the first row's members.
 */
public final class ResultDocument {

    private final JsonNode json;
    private final @Nullable JsonNode rows;
    private final List<Column> columns;

    private ResultDocument(JsonNode json, List<Column> columns) {
        this.json = json;
        JsonNode member = json.get("rows");
        this.rows = json.isObject() && member != null && member.isArray() ? member : null;
        this.columns = columns;
    }

    /**
     * A column of a row set.
     *
     * @param type SQL text of its type, ready for a cast; null when it is not known
     */
    public record Column(String name, @Nullable String type) {}

    /** Takes a result apart; null when it is not valid JSON. */
    public static @Nullable ResultDocument of(Result result) {
        JsonNode json = Json.parse(result.json());
        if (json == null) {
            return null;
        }
        List<Column> columns = columns(result.columns());
        return new ResultDocument(json, columns.isEmpty() ? columnsOf(json) : columns);
    }

    /** Those of the first row, whose types nobody knows. */
    private static List<Column> columnsOf(JsonNode json) {
        JsonNode rows = json.get("rows");
        JsonNode first = rows == null ? null : rows.get(0);
        List<Column> columns = new ArrayList<>();
        if (first != null && first.isObject()) {
            for (String name : Json.sortedNames(first)) {
                columns.add(new Column(name, null));
            }
        }
        return columns;
    }

    /** The text that the result substitutes to and that ends an instance: the same before and after a reload. */
    public static String canonical(Result result) {
        if (result.columns() == null) {
            return Json.canonical(result.json());
        }
        ResultDocument document = of(result);
        return document == null ? result.json() : document.text();
    }

    public JsonNode json() {
        return json;
    }

    public boolean isRowSet() {
        return rows != null;
    }

    public int rowCount() {
        return rows == null ? 0 : rows.size();
    }

    public List<Column> columns() {
        return columns;
    }

    public @Nullable JsonNode row(int index) {
        return rows == null ? null : rows.get(index);
    }

    /**
     * A row, as a result of its own, or an element of a list, such as the result of a branch of a join. One that is not there has no
     * rows.
     *
     * @param number from 1
     * @return null when this is neither rows nor a list
     */
    public @Nullable ResultDocument element(int number) {
        if (rows == null && !json.isArray()) {
            return null;
        }
        JsonNode found = (rows == null ? json : rows).get(number - 1);
        if (found != null && rows == null) {
            return new ResultDocument(found, columnsOf(found));
        }
        ObjectNode row = JsonNodeFactory.instance.objectNode();
        ArrayNode one = row.putArray("rows");
        if (found != null) {
            one.add(found);
        }
        row.put("row_count", one.size());
        return new ResultDocument(row, columns);
    }

    /** The first column of the first row; null when there is no row or it has no columns. */
    public @Nullable JsonNode firstValue() {
        JsonNode first = row(0);
        if (first == null) {
            return null;
        }
        for (Column column : columns) {
            JsonNode value = first.get(column.name());
            if (value != null) {
                return value;
            }
        }
        return first.isObject() && !first.isEmpty() ? first.elements().next() : null;
    }

    /** The type of {@link #firstValue}; null when it is not known. */
    public @Nullable String firstType() {
        JsonNode first = row(0);
        for (Column column : columns) {
            if (first != null && first.has(column.name())) {
                return column.type();
            }
        }
        return null;
    }

    public String text() {
        StringBuilder out = new StringBuilder();
        if (rows == null) {
            Json.write(json, out);
            return out.toString();
        }
        char separator = '{';
        for (String name : Json.sortedNames(json)) {
            out.append(separator);
            separator = ',';
            Json.quote(name, out);
            out.append(':');
            if (name.equals("rows")) {
                writeRows(out);
            } else {
                Json.write(json.path(name), out);
            }
        }
        return out.append('}').toString();
    }

    /** The rows as a JSON array of objects, members in the order of the columns. */
    public void writeRows(StringBuilder out) {
        if (rows == null || rows.isEmpty()) {
            out.append("[]");
            return;
        }
        char separator = '[';
        for (JsonNode row : rows) {
            out.append(separator);
            separator = ',';
            if (row.isObject()) {
                Set<String> names = new LinkedHashSet<>();
                columns.forEach(column -> names.add(column.name()));
                if (!names.containsAll(Json.sortedNames(row))) {
                    names.addAll(Json.sortedNames(row));
                }
                Json.writeMembers(row, names, out);
            } else {
                Json.write(row, out);
            }
        }
        out.append(']');
    }

    /** Columns of one name are one member, with the last one's value and type (specification 4.6). */
    private static List<Column> columns(@Nullable String pairs) {
        JsonNode array = pairs == null ? null : Json.parse(pairs);
        if (array == null || !array.isArray()) {
            return List.of();
        }
        Map<String, Column> columns = new LinkedHashMap<>();
        for (JsonNode pair : array) {
            String name = pair.path(0).asText();
            JsonNode type = pair.path(1);
            columns.put(name, new Column(name, type.isTextual() ? type.textValue() : null));
        }
        return List.copyOf(columns.values());
    }
}
