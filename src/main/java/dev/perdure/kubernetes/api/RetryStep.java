package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Steps that are run again when they fail, as of {@code df.retry}. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class RetryStep {

    @JsonPropertyDescription("The steps of an attempt.")
    @Required
    @Size(min = 1, max = 500) public List<ObjectNode> steps = List.of();

    @JsonPropertyDescription("How many attempts there are. Default: 3.")
    @Min(1) @Max(Integer.MAX_VALUE) public @Nullable Integer maxAttempts;

    @JsonPropertyDescription(
            "The pause before the second attempt, such as 500ms or 1s; a number means seconds. Default: 1s.")
    public @Nullable JsonNode initialDelay;

    @JsonPropertyDescription("By what the pause grows each time. Default: 2.")
    @Min(1) @Max(1_000_000) public @Nullable Double backoff;

    @JsonPropertyDescription("The longest pause. Default: 1h.")
    public @Nullable JsonNode maxDelay;

    @JsonPropertyDescription("What is tried again: SQLSTATEs or their classes (40, 57P01) and HTTP outcomes (http:429,"
            + " http:5xx, http:error). Default: every failure.")
    @Size(min = 1, max = 100) public @Nullable List<String> retryOn;
}
