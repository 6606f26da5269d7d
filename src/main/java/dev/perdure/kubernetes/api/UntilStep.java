package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import org.jspecify.annotations.Nullable;

/** A condition to wait for, as of {@code df.wait_for_condition}. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class UntilStep {

    @JsonPropertyDescription("A statement that only reads; it is looked at again until its first value is true.")
    @Required
    @Size(min = 1) public String sql = "";

    @JsonPropertyDescription(
            "So long after each look that was not true, such as 500ms or 5m; a number means seconds. Default: 10s.")
    public @Nullable JsonNode every;
}
