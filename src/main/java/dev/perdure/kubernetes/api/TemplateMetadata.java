package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Labels and annotations. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class TemplateMetadata {

    @JsonPropertyDescription("Labels of the runs.")
    public @Nullable Map<String, String> labels;

    @JsonPropertyDescription("Annotations of the runs.")
    public @Nullable Map<String, String> annotations;
}
