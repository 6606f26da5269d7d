package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Steps whose failure is handled, as of {@code df.catch}. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class CatchStep {

    @JsonPropertyDescription("The steps that may fail.")
    @Required
    @Size(min = 1, max = 500) public List<ObjectNode> steps = List.of();

    @JsonPropertyDescription(
            "The steps that run then. They see $error.message, $error.code, $error.node and $error.detail.")
    @Required
    @Size(min = 1, max = 500) public List<ObjectNode> handler = List.of();

    @JsonPropertyDescription(
            "What is caught: SQLSTATEs or their classes (23, 40001), HTTP outcomes (http:404, http:5xx, http:error),"
                    + " timeout. Default: every failure.")
    @Size(min = 1, max = 100) public @Nullable List<String> codes;
}
