package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** A key of a Secret. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class SecretKeyReference {

    @JsonPropertyDescription("The name of the Secret.")
    @Required
    @Pattern("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$") @Size(min = 1, max = 253) public String name = "";

    @JsonPropertyDescription("The key in the Secret's data.")
    @Required
    @Pattern("^[-._a-zA-Z0-9]+$") @Size(min = 1, max = 253) public String key = "";
}
