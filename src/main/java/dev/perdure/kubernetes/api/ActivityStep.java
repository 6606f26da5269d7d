package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import org.jspecify.annotations.Nullable;

/** A step that a program does, as of {@code df.activity}. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class ActivityStep {

    @JsonPropertyDescription("By which programs claim it (df.claim_activities).")
    @Required
    @Size(min = 1, max = 255) public String kind = "";

    @JsonPropertyDescription(
            "What the program is given. Strings are templates; a text is a template of JSON. Default: {}.")
    public @Nullable JsonNode payload;

    @JsonPropertyDescription("How long a claim lasts without being extended, such as 5m. Default: 1m.")
    public @Nullable JsonNode lease;

    @JsonPropertyDescription("How often it is claimed at most. Default: 20.")
    @Min(1) @Max(1_000_000) public @Nullable Integer maxAttempts;
}
