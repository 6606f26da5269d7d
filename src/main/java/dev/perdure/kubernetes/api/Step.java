package dev.perdure.kubernetes.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A step of a workflow: one of the keys, and perhaps a name. Schemas of custom resources cannot be recursive: the steps inside
 * a step are checked by the worker.
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public class Step {

    @JsonPropertyDescription("The name of the result, for $name in later steps.")
    @Pattern("^[A-Za-z_][A-Za-z0-9_]*$") @Size(min = 1, max = 63) public @Nullable String name;

    @JsonPropertyDescription("An SQL statement.")
    public @Nullable String sql;

    @JsonPropertyDescription(
            "The values of $1 and so on in sql, each a template: $name.col has that value, any other text is put together first.")
    @Size(min = 1, max = 1000) public @Nullable List<String> params;

    @JsonPropertyDescription("An HTTP request.")
    public @Nullable HttpStep http;

    @JsonPropertyDescription("An HTTP request with a multipart/form-data body.")
    public @Nullable MultipartStep multipart;

    @JsonPropertyDescription("A durable pause, such as 90s, 15m, 2h or 1h30m; a number means seconds.")
    public @Nullable JsonNode sleep;

    @JsonPropertyDescription("Waits for the next time that matches a cron expression.")
    public @Nullable ScheduleStep schedule;

    @JsonPropertyDescription("Waits until another instance has published an event (df.publish).")
    public @Nullable WaitForEventStep waitForEvent;

    @JsonPropertyDescription("Waits for a signal (df.signal).")
    public @Nullable SignalStep signal;

    @JsonPropertyDescription("Waits until a statement is true.")
    public @Nullable UntilStep until;

    @JsonPropertyDescription("Calls a named workflow, and has its result.")
    public @Nullable CallStep call;

    @JsonPropertyDescription("A step that a program does, which claims it (df.claim_activities).")
    public @Nullable ActivityStep activity;

    @JsonPropertyDescription("Waits until people have decided (df.tasks, df.decide).")
    public @Nullable ApprovalStep approval;

    @JsonProperty("if")
    @JsonPropertyDescription("Runs one of two lists of steps.")
    public @Nullable IfStep branch;

    @JsonPropertyDescription("Runs all branches, each a list of steps, at the same time, and waits for all of them.")
    @Size(min = 2, max = 100) public @Nullable List<List<ObjectNode>> parallel;

    @JsonPropertyDescription(
            "Runs all branches, each a list of steps, at the same time; the first to end decides, and the"
                    + " others are interrupted.")
    @Size(min = 2, max = 100) public @Nullable List<List<ObjectNode>> race;

    @JsonPropertyDescription("Repeats steps.")
    public @Nullable LoopStep loop;

    @JsonProperty("break")
    @JsonPropertyDescription(
            "Leaves the nearest loop. A text, number or boolean becomes the loop's result; {} leaves it"
                    + " without one.")
    public @Nullable JsonNode leave;

    @JsonPropertyDescription("Runs steps again when they fail.")
    public @Nullable RetryStep retry;

    @JsonProperty("catch")
    @JsonPropertyDescription("Runs other steps when steps fail.")
    public @Nullable CatchStep guarded;

    @JsonPropertyDescription("Runs steps once for each row.")
    public @Nullable MapStep map;

    @JsonPropertyDescription(
            "Runs steps; when they fail, time out, are cancelled or lose a race, what has been done is undone, the latest first: see undo.")
    @Size(min = 1, max = 500) public @Nullable List<ObjectNode> saga;

    @JsonPropertyDescription(
            "Beside the kind of a step in a saga: the steps that undo it, tried without end unless they are a retry. They see the names as they were.")
    @Size(min = 1, max = 500) public @Nullable List<ObjectNode> undo;

    @JsonPropertyDescription(
            "after (default): the undo is registered by the commit of its step. before: before the step begins, whose outcome can be unknown.")
    @Pattern("^(after|before)$") public @Nullable String registerUndo;

    @JsonPropertyDescription("Runs steps for so long at most.")
    public @Nullable TimeoutStep timeout;

    @JsonPropertyDescription("Runs steps in a slot of a queue.")
    public @Nullable WithQueueStep withQueue;

    @JsonPropertyDescription("A list of steps as one step, so that its result can have a name.")
    @Size(min = 1, max = 500) public @Nullable List<ObjectNode> steps;
}
