package dev.perdure.flow.template;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.result.ResultDocument;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Values within the double quotes of a string of JSON, whatever they hold. */
final class JsonTextFlavour implements Flavour {

    private static final RawFlavour RAW = new RawFlavour();

    @Override
    public String value(JsonNode value, @Nullable String type) {
        return escaped(RAW.value(value, type));
    }

    @Override
    public String nothing() {
        return RAW.nothing();
    }

    @Override
    public @Nullable String missing(Reference reference, ResultDocument document) {
        return RAW.missing(reference, document);
    }

    @Override
    public String rows(String name, ResultDocument document) {
        return escaped(RAW.rows(name, document));
    }

    @Override
    public String array(List<JsonNode> values, @Nullable String type) {
        return escaped(RAW.array(values, type));
    }

    private static String escaped(String text) {
        String quoted = Json.quoted(text);
        return quoted.substring(1, quoted.length() - 1);
    }
}
