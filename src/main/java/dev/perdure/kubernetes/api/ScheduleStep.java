package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import org.jspecify.annotations.Nullable;

/** A time to wait for, as of {@code df.wait_for_schedule}. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class ScheduleStep {

    @JsonPropertyDescription("A cron expression with five fields, or @hourly and the like.")
    @Required
    public String cron = "";

    @JsonPropertyDescription("The time zone, such as Europe/Berlin. Default: UTC.")
    public @Nullable String timeZone;
}
