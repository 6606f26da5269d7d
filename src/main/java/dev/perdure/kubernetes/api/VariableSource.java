package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;

/** The source of a value of a variable. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class VariableSource {

    @JsonPropertyDescription(
            "A key of a Secret in the namespace of the resource. Only url, headers and body of http and"
                    + " multipart steps can use it.")
    @Required
    public SecretKeyReference secretKeyRef = new SecretKeyReference();
}
