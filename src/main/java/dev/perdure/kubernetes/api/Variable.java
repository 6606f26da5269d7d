package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import org.jspecify.annotations.Nullable;

/** A captured variable. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
        value = "has(self.value) != has(self.valueFrom)",
        message = "exactly one of value and valueFrom must be given")
public class Variable {

    @JsonPropertyDescription("The name; steps use it as {name}.")
    @Required
    @Pattern("^[A-Za-z_][A-Za-z0-9_]*$") @Size(min = 1, max = 63) public String name = "";

    @JsonPropertyDescription("The value.")
    @Size(max = 65536) public @Nullable String value;

    @JsonPropertyDescription("Where the value is read when a step needs it. It is never stored in the database.")
    public @Nullable VariableSource valueFrom;
}
