package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A step that people decide, as of {@code df.approval}. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class ApprovalStep {

    @JsonPropertyDescription("What they are asked, a template.")
    @Required
    @Size(min = 1, max = 1024) public String title = "";

    @JsonPropertyDescription("Roles of the database whose members may decide (df.decide).")
    @Required
    @Size(min = 1, max = 100) public List<String> assignees = List.of();

    @JsonPropertyDescription("What they are shown. Strings are templates; a text is a template of JSON.")
    public @Nullable JsonNode payload;

    @JsonPropertyDescription("How long it waits, such as 2d. Default: without end.")
    public @Nullable JsonNode within;

    @JsonPropertyDescription("Steps that run when that is over. Default: it fails with code timeout.")
    @Size(min = 1, max = 1000) public @Nullable List<ObjectNode> otherwise;

    @JsonPropertyDescription("How many have to decide the same. Default: 1.")
    @Min(1) @Max(1000) public @Nullable Integer quorum;

    @JsonPropertyDescription("Whether the role that starts the workflow may not decide. Default: false.")
    public @Nullable Boolean notSubmitter;
}
