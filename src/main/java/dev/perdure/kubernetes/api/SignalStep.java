package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import org.jspecify.annotations.Nullable;

/** A signal to wait for, as of {@code df.wait_for_signal}. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class SignalStep {

    @JsonPropertyDescription("The signal's name.")
    @Required
    @Size(min = 1) public String name = "";

    @JsonPropertyDescription("How long to wait, such as 30s or 24h; a number means seconds. Default: without end.")
    public @Nullable JsonNode timeout;
}
