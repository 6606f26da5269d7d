package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Lists of failures; the rules are those of {@code df._check_codes}. */
final class FailureList {

    private static final Pattern OUTCOME =
            Pattern.compile("[0-9A-Z]{2}|[0-9A-Z]{5}|http:(?:[1-5][0-9]{2}|[1-5]xx|error)|timeout|child");

    private FailureList() {}

    /**
     * The JSON of a list; {@code null} without one.
     *
     * @param otherwise what to do in place of an empty list
     */
    static String translate(Fields fields, String name, String otherwise) throws InvalidDefinitionException {
        JsonNode value = fields.optional(name);
        if (value == null) {
            return "null";
        }
        Place place = fields.place(name);
        if (!value.isArray() || value.isEmpty()) {
            throw place.invalid("expected a list; " + otherwise);
        }
        List<String> outcomes = new ArrayList<>();
        for (int i = 0; i < value.size(); i++) {
            String outcome = value.get(i).asText();
            if (!OUTCOME.matcher(outcome).matches()) {
                throw place.item(i)
                        .invalid("'" + outcome
                                + "' is no SQLSTATE, class of SQLSTATEs or HTTP outcome, such as \"40001\","
                                + " \"40\", http:429, http:5xx, http:error");
            }
            outcomes.add(JsonText.quote(outcome));
        }
        return "[" + String.join(",", outcomes) + "]";
    }
}
