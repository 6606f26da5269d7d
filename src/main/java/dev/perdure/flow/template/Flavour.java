package dev.perdure.flow.template;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.flow.result.ResultDocument;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The form of a value in a template: as SQL, or as it is (specification 4.5). */
interface Flavour {

    /**
     * A value that is not null.
     *
     * @param type of the column that it is from; null when it is from none, or not known
     */
    String value(JsonNode value, @Nullable String type);

    /** The null of a reference with {@code ?}. */
    String nothing();

    /** A reference without {@code ?} to a column or member that does not exist; null leaves it as it is. */
    @Nullable String missing(Reference reference, ResultDocument document);

    /** {@code $name.*}. */
    String rows(String name, ResultDocument document);

    /** {@code $name[]}: values of one column. */
    String array(List<JsonNode> values, @Nullable String type);
}
