package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import org.jspecify.annotations.Nullable;

/** An event of another instance to wait for, as of {@code df.wait_for_event}. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class WaitForEventStep {

    @JsonPropertyDescription(
            "The id of the instance that publishes it (df.publish), mostly a reference such as $child.id or {child}.")
    @Required
    @Size(min = 1) public String instance = "";

    @JsonPropertyDescription("The event's name.")
    @Required
    @Size(min = 1) public String name = "";

    @JsonPropertyDescription("How long to wait, such as 30s or 24h; a number means seconds. Default: without end.")
    public @Nullable JsonNode timeout;
}
