package dev.perdure.flow.result;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.flow.NodeRecord;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The names of a loop's earlier rounds as its row keeps them, see {@link NodeRecord#bindings()}. */
public final class Bindings {

    private Bindings() {}

    /** Writes names; null when there are none. */
    public static @Nullable String write(Map<String, Result> names) {
        if (names.isEmpty()) {
            return null;
        }
        StringBuilder out = new StringBuilder();
        char separator = '{';
        for (Map.Entry<String, Result> entry : names.entrySet()) {
            out.append(separator);
            separator = ',';
            Result result = entry.getValue();
            Json.quote(entry.getKey(), out);
            out.append(":{\"r\":").append(ResultDocument.canonical(result)).append(",\"c\":");
            out.append(result.columns()).append('}');
        }
        return out.append('}').toString();
    }

    public static Map<String, Result> read(@Nullable String text) {
        JsonNode json = text == null ? null : Json.parse(text);
        Map<String, Result> names = new LinkedHashMap<>();
        if (json == null || !json.isObject()) {
            return names;
        }
        for (String name : Json.sortedNames(json)) {
            JsonNode binding = json.path(name);
            JsonNode columns = binding.path("c");
            names.put(name, new Result(Json.write(binding.path("r")), columns.isArray() ? Json.write(columns) : null));
        }
        return names;
    }
}
