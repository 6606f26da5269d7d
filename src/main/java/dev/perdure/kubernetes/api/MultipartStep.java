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
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An HTTP request with a multipart body, as of {@code df.http_multipart}. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class MultipartStep {

    @JsonPropertyDescription("The URL.")
    @Required
    public String url = "";

    @JsonPropertyDescription("POST, PUT or PATCH. Default: POST.")
    public @Nullable String method;

    @JsonPropertyDescription("The parts, as of df.http_multipart.")
    @Required
    @Size(min = 1, max = 100) public List<ObjectNode> parts = List.of();

    @JsonPropertyDescription("Headers: texts, numbers or booleans by name.")
    public @Nullable Map<String, JsonNode> headers;

    @JsonPropertyDescription("How long the request may take. Default: 30.")
    @Min(1) @Max(Integer.MAX_VALUE) public @Nullable Integer timeoutSeconds;

    @JsonPropertyDescription(
            "The statuses that are a success, such as 2xx or 2xx,404: any other fails the step. Default: all.")
    public @Nullable String expect;

    @JsonPropertyDescription("Limits, what is kept of the answer, and fields of a form.")
    public @Nullable HttpOptions httpOptions;
}
