package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import org.jspecify.annotations.Nullable;

/** A named workflow, as of {@code df.call}. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class CallStep {

    @JsonPropertyDescription("The name that df.define has given it; role.name when it is another role's.")
    @Required
    @Size(min = 1, max = 255) public String name = "";

    @JsonPropertyDescription("Its arguments, an object. Strings are templates.")
    public @Nullable JsonNode args;

    @JsonPropertyDescription("Which version. Default: the latest.")
    @Min(1) @Max(999_999_999) public @Nullable Integer version;
}
