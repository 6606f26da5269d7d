package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import org.jspecify.annotations.Nullable;

/** The template of a run. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class WorkflowTemplate {

    @JsonPropertyDescription("Labels and annotations of the runs.")
    public @Nullable TemplateMetadata metadata;

    @JsonPropertyDescription("The spec of the runs, as of a DurableWorkflow.")
    @Required
    public WorkflowTemplateSpec spec = new WorkflowTemplateSpec();
}
