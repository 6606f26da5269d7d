package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Steps that have a time limit, as of {@code df.timeout}. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class TimeoutStep {

    @JsonPropertyDescription("The steps that are interrupted when the time is over.")
    @Required
    @Size(min = 1, max = 500) public List<ObjectNode> steps = List.of();

    @JsonPropertyDescription("How long they may take, such as 500ms or 2h. An outage does not extend it.")
    @Required
    public @Nullable JsonNode within;

    @JsonPropertyDescription("The steps that run then. Default: the step fails with code timeout.")
    @Size(min = 1, max = 500) public @Nullable List<ObjectNode> otherwise;
}
