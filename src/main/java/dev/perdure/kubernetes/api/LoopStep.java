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

/** A repetition, as of {@code df.loop}. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class LoopStep {

    @JsonPropertyDescription("The steps of a round.")
    @Required
    @Size(min = 1, max = 500) public List<ObjectNode> steps = List.of();

    @JsonProperty("while")
    @JsonPropertyDescription(
            "A statement that is executed after each round; the loop ends when its first value is not true."
                    + " Default: the loop ends with break.")
    public @Nullable String condition;

    @JsonPropertyDescription("Whether a round whose steps fail is followed by another. Default: false.")
    public @Nullable Boolean continueOnFailure;

    @JsonPropertyDescription(
            "A round begins so long after the one before it at the earliest, such as 500ms or 5m; 0: at once. Default: 1s.")
    public @Nullable JsonNode every;
}
