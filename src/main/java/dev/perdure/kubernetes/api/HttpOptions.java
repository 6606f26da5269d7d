package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Options of an HTTP request, as of {@code df.with_http_options}. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class HttpOptions {

    @JsonPropertyDescription("A request with a larger body is not sent, and fails the step.")
    @Min(1) @Max(Integer.MAX_VALUE) public @Nullable Integer maxRequestBytes;

    @JsonPropertyDescription("An answer with a larger body fails the step.")
    @Min(1) @Max(Integer.MAX_VALUE) public @Nullable Integer maxResponseBytes;

    @JsonPropertyDescription(
            "What is kept of an answer: inline (everything), metadata (no body) or discard (no headers either). Default: inline.")
    public @Nullable String response;

    @JsonPropertyDescription(
            "Which headers of an answer are kept: all, safe (no cookies, tokens and keys), or a list of names. Default: all.")
    public @Nullable JsonNode responseHeaders;

    @JsonPropertyDescription("Fields of a form that is sent: texts, numbers or booleans by name.")
    public @Nullable Map<String, JsonNode> formFields;
}
