package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import org.jspecify.annotations.Nullable;

/** The times of runs and their workflow; the fields are those of a CronJob. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class DurableScheduleSpec {

    @JsonPropertyDescription("A cron expression with five fields, or @hourly and the like.")
    @Required
    @Size(min = 1, max = 256) public String schedule = "";

    @JsonPropertyDescription("The time zone of the schedule, such as Europe/Berlin. Default: UTC.")
    @Size(min = 1, max = 64) public @Nullable String timeZone;

    @JsonPropertyDescription(
            "What happens when a run is due while another one has not ended: Allow starts it, Forbid waits"
                    + " for the end of the other one, Replace deletes the other one first.")
    @Default("Allow")
    public ConcurrencyPolicy concurrencyPolicy = ConcurrencyPolicy.ALLOW;

    @JsonPropertyDescription(
            "A run that could not be started within so many seconds is left out. Default: it is started"
                    + " late, if no later one is due.")
    @Min(0) @Max(WorkflowTemplateSpec.LONGEST_SECONDS) public @Nullable Long startingDeadlineSeconds;

    @JsonPropertyDescription("True starts no further runs; those that go on are not touched.")
    public @Nullable Boolean suspend;

    @JsonPropertyDescription("How many runs that succeeded are kept.")
    @Default("3")
    @Min(0) @Max(100_000) public Integer successfulRunsHistoryLimit = 3;

    @JsonPropertyDescription("How many runs that failed or were cancelled are kept.")
    @Default("1")
    @Min(0) @Max(100_000) public Integer failedRunsHistoryLimit = 1;

    @JsonPropertyDescription("The DurableWorkflow that is created for each run.")
    @Required
    public WorkflowTemplate workflowTemplate = new WorkflowTemplate();
}
