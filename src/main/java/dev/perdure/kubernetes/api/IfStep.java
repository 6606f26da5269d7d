package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A choice, as of {@code df.if} and {@code df.if_rows}. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class IfStep {

    @JsonPropertyDescription("A statement whose first value decides, or {hasRows: <result name>}.")
    @Required
    public @Nullable JsonNode condition;

    @JsonProperty("then")
    @JsonPropertyDescription("The steps when the condition holds.")
    @Required
    @Size(min = 1, max = 500) public List<ObjectNode> yes = List.of();

    @JsonProperty("else")
    @JsonPropertyDescription(
            "The steps when it does not hold. Default: nothing happens, and the result is a row with a" + " null.")
    @Size(min = 1, max = 500) public @Nullable List<ObjectNode> no;
}
