package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.graph.ItemPlan;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** {@code map: {items, steps, item, maxConcurrent, batchSize, onFailure, tolerate}}, as {@code df.map}. */
final class MapKind implements StepKind {

    private static final Pattern RESULT = Pattern.compile("\\s*\\$([A-Za-z_][A-Za-z0-9_]*)\\s*");
    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]{0,62}");
    private static final Pattern TOLERATED = Pattern.compile("[0-9]{1,9}|(100|[0-9]{1,2}(\\.[0-9]{1,6})?)%");
    private static final Set<String> ON_FAILURE = Set.of("fail", "continue", "tolerate");
    private static final int CONCURRENT = 10;

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        Fields fields = Fields.of(
                value, place, "items", "steps", "item", "maxConcurrent", "batchSize", "onFailure", "tolerate");
        String items = fields.text("items");
        Matcher result = RESULT.matcher(items);
        String named = result.matches() ? result.group(1) : null;
        NodeText body = steps.sequence(fields.required("steps"), fields.place("steps"));
        String onFailure = orElse(fields.optionalText("onFailure"), "fail");
        if (!ON_FAILURE.contains(onFailure)) {
            throw fields.place("onFailure").invalid("expected fail, continue or tolerate");
        }
        String tolerate = fields.optionalText("tolerate");
        if (onFailure.equals("tolerate") != (tolerate != null)) {
            throw place.invalid("onFailure: tolerate and 'tolerate' belong together");
        }
        if (tolerate != null && !TOLERATED.matcher(tolerate).matches()) {
            throw fields.place("tolerate").invalid("expected a number or a percentage such as \"2%\"");
        }
        String item = orElse(fields.optionalText("item"), "item");
        if (!NAME.matcher(item).matches()) {
            throw fields.place("item").invalid("expected a name of letters, digits and underscores");
        }
        String config = "{\"items\":" + orNull(named) + ",\"item\":" + JsonText.quote(item)
                + ",\"max_concurrent\":" + number(fields, "maxConcurrent", CONCURRENT, ItemPlan.MOST_CONCURRENT)
                + ",\"batch_size\":" + number(fields, "batchSize", 1, ItemPlan.LARGEST_BATCH) + ",\"on_failure\":"
                + JsonText.quote(onFailure) + ",\"tolerate\":" + orNull(tolerate) + "}";
        return new NodeText("MAP", body, named == null ? NodeText.sql(items) : null, null, List.of(), config, null);
    }

    private static String orNull(@Nullable String text) {
        return text == null ? "null" : JsonText.quote(text);
    }

    private static String orElse(@Nullable String text, String usual) {
        return text == null ? usual : text;
    }

    private static int number(Fields fields, String name, int usual, int most) throws InvalidDefinitionException {
        Integer value = fields.optionalPositive(name);
        if (value != null && value > most) {
            throw fields.place(name).invalid("expected " + most + " at most");
        }
        return value == null ? usual : value;
    }
}
