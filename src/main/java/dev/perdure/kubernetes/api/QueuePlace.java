package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import org.jspecify.annotations.Nullable;

/** The place of an instance that waits for a slot. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class QueuePlace {

    @JsonPropertyDescription(
            "The queue, made with df.create_queue by the role, or granted to it. It bounds how many of its instances run at once.")
    @Required
    @Size(min = 1, max = 255) public String name = "";

    @JsonPropertyDescription("Keys take turns, and the queue can have a limit for each of them.")
    @Size(min = 1, max = 255) public @Nullable String key;

    @JsonPropertyDescription("Low goes first. Default: 0.")
    @Min(-1000) @Max(1000) public @Nullable Integer priority;
}
