package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The workflow of a run, its role, and its limits. In the template of a schedule everything can be changed. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
        value = "(has(self.steps) ? 1 : 0) + (has(self.expression) ? 1 : 0) + (has(self.definition) ? 1 : 0) == 1",
        message = "exactly one of steps, expression and definition must be given")
public class WorkflowTemplateSpec {

    /** A hundred years. */
    static final long LONGEST_SECONDS = 3_155_760_000L;

    @JsonPropertyDescription("Which worker deployment handles this resource: its perdure.kubernetes.worker-name.")
    @Default("default")
    @Size(min = 1, max = 63) public String worker = "default";

    @JsonPropertyDescription("The PostgreSQL role that the workflow runs as. The worker's configuration"
            + " (perdure.kubernetes.roles) says which roles a namespace may use.")
    @Required
    @Size(min = 1, max = 63) public String role = "";

    @JsonPropertyDescription(
            "Another database of the same server, in which the steps are executed. Default: the" + " worker's own.")
    @Size(min = 1, max = 63) public @Nullable String database;

    @JsonPropertyDescription("The label of the instance in SQL. Default: namespace/name.")
    @Size(max = 1024) public @Nullable String label;

    @JsonPropertyDescription("The instance waits for a slot of a queue before it begins.")
    public @Nullable QueuePlace queue;

    @JsonPropertyDescription("Captured variables of this instance, for {name} in its steps. They take precedence over"
            + " those that the role has set with df.setvar.")
    @Size(max = 100) public @Nullable List<Variable> vars;

    @JsonPropertyDescription(
            "Attributes of the instance when it starts, by which df.find_instances finds it: an object of JSON"
                    + " values, 16 KiB at most.")
    @Size(max = 100) public @Nullable Map<String, JsonNode> attributes;

    @JsonPropertyDescription("What is run, one step after the other.")
    @Size(min = 1, max = 500) public @Nullable List<Step> steps;

    @JsonPropertyDescription("What is run, as an expression of the SQL language, for example 'SELECT 1' ~> 'SELECT 2'."
            + " It is evaluated once, in a session of the role.")
    @Size(min = 1, max = 262144) public @Nullable String expression;

    @JsonPropertyDescription("What is run, as a named workflow (df.define) and its arguments.")
    public @Nullable CallStep definition;

    @JsonPropertyDescription("True cancels the instance.")
    public @Nullable Boolean cancel;

    @JsonPropertyDescription("The instance is cancelled when it has not ended so many seconds after its submission.")
    @Min(1) @Max(LONGEST_SECONDS) public @Nullable Long activeDeadlineSeconds;

    @JsonPropertyDescription("The resource is deleted so many seconds after the workflow has ended. Default: never.")
    @Min(0) @Max(LONGEST_SECONDS) public @Nullable Long ttlSecondsAfterFinished;

    @JsonPropertyDescription("What deleting the resource does to an instance that has not ended: Cancel cancels it and"
            + " waits for its end, Orphan lets it go on.")
    @Default("Cancel")
    public DeletionPolicy deletionPolicy = DeletionPolicy.CANCEL;
}
