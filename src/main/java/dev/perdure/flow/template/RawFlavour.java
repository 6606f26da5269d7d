package dev.perdure.flow.template;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.result.ResultDocument;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Values as they are: HTTP parts and BREAK values. */
final class RawFlavour implements Flavour {

    @Override
    public String value(JsonNode value, @Nullable String type) {
        return value.isTextual() ? value.textValue() : Json.write(value);
    }

    @Override
    public String nothing() {
        return "null";
    }

    @Override
    public @Nullable String missing(Reference reference, ResultDocument document) {
        throw new SubstitutionException(noField(reference, document));
    }

    /** The problem with a reference to a member that does not exist. */
    static String noField(Reference reference, ResultDocument document) {
        JsonNode holder = document.isRowSet() ? document.row(0) : document.json();
        List<String> available = new ArrayList<>();
        if (holder != null) {
            holder.fieldNames().forEachRemaining(available::add);
        }
        available.sort(null);
        return reference.shown() + ": result has no field '" + reference.column() + "' (available: "
                + String.join(", ", available) + ")";
    }

    @Override
    public String rows(String name, ResultDocument document) {
        StringBuilder out = new StringBuilder();
        document.writeRows(out);
        return out.toString();
    }

    @Override
    public String array(List<JsonNode> values, @Nullable String type) {
        StringBuilder out = new StringBuilder();
        char separator = '[';
        for (JsonNode value : values) {
            out.append(separator);
            separator = ',';
            Json.write(value, out);
        }
        return out.append(separator == '[' ? "[]" : "]").toString();
    }
}
