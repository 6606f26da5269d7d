package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The past and next runs of a schedule. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class DurableScheduleStatus {

    @JsonPropertyDescription("Of which metadata.generation this is the status.")
    @Min(0) @Max(9007199254740991d) public @Nullable Long observedGeneration;

    @JsonPropertyDescription("The names of the runs that have not ended.")
    public List<String> active = new ArrayList<>();

    @JsonPropertyDescription("For when the latest run was scheduled, RFC 3339.")
    public @Nullable String lastScheduleTime;

    @JsonPropertyDescription("When the latest run that succeeded did so, RFC 3339.")
    public @Nullable String lastSuccessfulTime;

    @JsonPropertyDescription("When the next run is due, RFC 3339. Absent while the schedule is suspended.")
    public @Nullable String nextScheduleTime;

    @JsonPropertyDescription("The cron expression and the time zone that the times above are of.")
    public @Nullable String observedSchedule;

    @JsonPropertyDescription(
            "When the cron expression or the time zone was changed last, RFC 3339. No time before is made up for.")
    public @Nullable String scheduleChangedAt;

    @JsonPropertyDescription(
            "Accepted; Ready, and Stalled while it is so, for tools that wait for resources of any kind.")
    public List<StatusCondition> conditions = new ArrayList<>();
}
