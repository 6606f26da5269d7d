package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;
import org.jspecify.annotations.Nullable;

/** A condition as all Kubernetes resources have them. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class StatusCondition {

    @JsonPropertyDescription("What it is about: Accepted, Submitted, Complete, Failed, Ready, Reconciling or Stalled.")
    @Required
    public String type = "";

    @JsonPropertyDescription("True, False or Unknown.")
    @Required
    public String status = "";

    @JsonPropertyDescription("Why, in one CamelCase word.")
    @Required
    public String reason = "";

    @JsonPropertyDescription("Why, for people.")
    @Required
    public String message = "";

    @JsonPropertyDescription("When the status changed last, RFC 3339.")
    @Required
    public String lastTransitionTime = "";

    @JsonPropertyDescription("Of which metadata.generation this is said.")
    @Min(0) @Max(9007199254740991d) public @Nullable Long observedGeneration;
}
