package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Steps that run once for each row, as of {@code df.map}. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class MapStep {

    @JsonPropertyDescription("The query whose rows are the items, or $name for the rows of an earlier step.")
    @Required
    @Size(min = 1) public String items = "";

    @JsonPropertyDescription("The steps that run for each item. They see it as $item, $item.column and {sys_ordinal}.")
    @Required
    @Size(min = 1, max = 500) public List<ObjectNode> steps = List.of();

    @JsonPropertyDescription("The name of the item. Default: item.")
    @Size(min = 1, max = 63) public @Nullable String item;

    @JsonPropertyDescription("How many items are worked on at once. Default: 10.")
    @Min(1) @Max(10_000) public @Nullable Integer maxConcurrent;

    @JsonPropertyDescription("How many rows are one item. Default: 1.")
    @Min(1) @Max(10_000) public @Nullable Integer batchSize;

    @JsonPropertyDescription(
            "What a failed item means: fail (the map fails, the rest is cancelled), continue, or tolerate. Default: fail.")
    public @Nullable String onFailure;

    @JsonPropertyDescription("With onFailure tolerate: how many may fail, a number or a percentage such as 2%.")
    public @Nullable String tolerate;
}
