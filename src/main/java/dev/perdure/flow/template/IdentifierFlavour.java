package dev.perdure.flow.template;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.flow.result.ResultDocument;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Values within the double quotes of an identifier: {@code VACUUM "$worst.relname"}. */
final class IdentifierFlavour implements Flavour {

    private static final RawFlavour RAW = new RawFlavour();

    @Override
    public String value(JsonNode value, @Nullable String type) {
        return RAW.value(value, type).replace("\"", "\"\"");
    }

    @Override
    public String nothing() {
        throw new SubstitutionException("an identifier in double quotes cannot be NULL");
    }

    @Override
    public @Nullable String missing(Reference reference, ResultDocument document) {
        return RAW.missing(reference, document);
    }

    @Override
    public String rows(String name, ResultDocument document) {
        throw new SubstitutionException("$" + name + ".* stands in double quotes, where one identifier belongs");
    }

    @Override
    public String array(List<JsonNode> values, @Nullable String type) {
        throw new SubstitutionException("an array stands in double quotes, where one identifier belongs");
    }
}
