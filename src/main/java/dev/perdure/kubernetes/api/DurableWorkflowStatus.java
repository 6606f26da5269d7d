package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The progress and outcome of a workflow. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class DurableWorkflowStatus {

    @JsonPropertyDescription("Of which metadata.generation this is the status.")
    @Min(0) @Max(9007199254740991d) public @Nullable Long observedGeneration;

    @JsonPropertyDescription("The instance in SQL: SELECT * FROM df.instance_info('<instanceId>').")
    public @Nullable String instanceId;

    @JsonPropertyDescription("Pending, Running, Succeeded, Failed or Cancelled.")
    public @Nullable Phase phase;

    @JsonPropertyDescription("Why the phase is what it is, in one CamelCase word.")
    public @Nullable String reason;

    @JsonPropertyDescription("Why the phase is what it is, for people.")
    public @Nullable String message;

    @JsonPropertyDescription(
            "How many of the steps have ended, such as 3/7. Steps of a branch that is not taken never end.")
    public @Nullable String progress;

    @JsonPropertyDescription("How far its maps are, such as 3,120 of 10,000, 4 failed.")
    public @Nullable String items;

    @JsonPropertyDescription("When the worker began with the instance, RFC 3339.")
    public @Nullable String startedAt;

    @JsonPropertyDescription("When it ended, RFC 3339.")
    public @Nullable String completedAt;

    @JsonPropertyDescription("The result, as JSON, cut at 4 KiB; df.result gives the whole of it.")
    public @Nullable String result;

    @JsonPropertyDescription(
            "Accepted, Submitted, Complete, Failed; Ready, and Reconciling or Stalled while it is so, for tools that"
                    + " wait for resources of any kind.")
    public List<StatusCondition> conditions = new ArrayList<>();
}
