package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Steps that run in a slot of a queue, as of {@code df.with_queue}. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class WithQueueStep {

    @JsonPropertyDescription("The steps that hold the slot.")
    @Required
    @Size(min = 1, max = 500) public List<ObjectNode> steps = List.of();

    @JsonPropertyDescription("The queue, made with df.create_queue.")
    @Required
    @Size(min = 1, max = 255) public String queue = "";

    @JsonPropertyDescription("A template: the limit of each key counts, too. Default: none.")
    @Size(min = 1, max = 1000) public @Nullable String key;
}
