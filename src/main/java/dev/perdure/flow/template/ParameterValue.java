package dev.perdure.flow.template;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.result.ResultDocument;
import org.jspecify.annotations.Nullable;

/**
 * The value of a parameter that is one reference.
 *
 * @param type of its column; null when it is not known
 * @param isValues whether it is {@code $name[]}: an array of PostgreSQL, whatever its elements are
 */
record ParameterValue(JsonNode value, @Nullable String type, boolean isValues) {

    private static final ParameterValue NULL = new ParameterValue(NullNode.instance, null, false);

    /**
     * The value that a reference means. A NULL is one; a row, a column or a name that is not there is one where the reference
     * is optional.
     *
     * @param document null when no such name is bound there
     * @throws SubstitutionException when there is no value
     */
    static ParameterValue of(Reference reference, @Nullable ResultDocument document) {
        if (document == null) {
            return absent(reference, reference.shown() + ": nothing of this name has a result here");
        }
        if (reference.kind() == Reference.Kind.ARRAY) {
            return values(reference, document);
        }
        JsonNode holder = document.isRowSet() ? document.row(0) : document.json();
        if (holder == null) {
            return absent(reference, Substitution.noRows(reference));
        }
        if (reference.column() == null) {
            return document.isRowSet() ? first(reference, document) : new ParameterValue(holder, null, false);
        }
        if (!holder.isObject()) {
            return absent(reference, reference.shown() + ": result is neither a row set nor a JSON object");
        }
        JsonNode member = holder.get(reference.column());
        if (member == null) {
            return missing(reference, document);
        }
        ResultDocument.Column column = document.isRowSet() ? Substitution.column(document, reference.column()) : null;
        return new ParameterValue(member, column == null ? null : column.type(), false);
    }

    private static ParameterValue first(Reference reference, ResultDocument document) {
        JsonNode value = document.firstValue();
        return value == null
                ? absent(reference, reference.shown() + ": first row has no columns")
                : new ParameterValue(value, document.firstType(), false);
    }

    private static ParameterValue values(Reference reference, ResultDocument document) {
        if (!document.isRowSet()) {
            return absent(reference, reference.shown() + "[]: result is not a row set");
        }
        ResultDocument.Column column = Substitution.column(document, reference.column());
        if (column == null && (document.rowCount() > 0 || !document.columns().isEmpty())) {
            return missing(reference, document);
        }
        ArrayNode values = JsonNodeFactory.instance.arrayNode();
        for (int i = 0; column != null && i < document.rowCount(); i++) {
            JsonNode row = document.row(i);
            JsonNode value = row == null ? null : row.get(column.name());
            values.add(value == null ? NullNode.instance : value);
        }
        return new ParameterValue(values, column == null ? null : column.type(), true);
    }

    private static ParameterValue missing(Reference reference, ResultDocument document) {
        return reference.optional() ? NULL : absent(reference, RawFlavour.noField(reference, document));
    }

    private static ParameterValue absent(Reference reference, String problem) {
        if (reference.optional()) {
            return NULL;
        }
        throw new SubstitutionException(problem);
    }

    Parameter parameter() {
        return new Parameter(text(), Json.write(value));
    }

    private @Nullable String text() {
        if (value.isNull()) {
            return null;
        }
        if (value.isArray() && (isValues || SqlFlavour.isArray(type))) {
            StringBuilder out = new StringBuilder();
            array(value, out);
            return out.toString();
        }
        return value.isTextual() ? value.textValue() : Json.write(value);
    }

    /** The text form of an array (manual, 8.15.6). */
    private void array(JsonNode array, StringBuilder out) {
        char separator = '{';
        for (JsonNode element : array) {
            out.append(separator);
            separator = delimiter();
            if (element.isNull()) {
                out.append("NULL");
            } else if (element.isArray() && !isJson()) {
                array(element, out);
            } else {
                quote(element.isTextual() && !isJson() ? element.textValue() : Json.write(element), out);
            }
        }
        out.append(separator == '{' ? "{}" : "}");
    }

    private static void quote(String text, StringBuilder out) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\');
            }
            out.append(c);
        }
        out.append('"');
    }

    /** Of all types, boxes alone are separated otherwise. */
    private char delimiter() {
        return "box".equals(elementType()) ? ';' : ',';
    }

    private boolean isJson() {
        return "json".equals(elementType()) || "jsonb".equals(elementType());
    }

    private @Nullable String elementType() {
        return type == null || !type.endsWith("[]") ? type : type.substring(0, type.length() - 2);
    }
}
