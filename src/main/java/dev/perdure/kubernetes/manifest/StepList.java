package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Lists of steps: a sequence, in which each item has one of the keys of {@link #KINDS} and may have a name. */
public final class StepList {

    private static final Map<String, StepKind> KINDS = new TreeMap<>(Map.ofEntries(
            Map.entry("sql", new SqlKind()),
            Map.entry("http", new HttpKind()),
            Map.entry("multipart", new MultipartKind()),
            Map.entry("sleep", new SleepKind()),
            Map.entry("schedule", new ScheduleKind()),
            Map.entry("signal", new SignalKind()),
            Map.entry("waitForEvent", new WaitForEventKind()),
            Map.entry("until", new UntilKind()),
            Map.entry("call", new CallKind()),
            Map.entry("if", new IfKind()),
            Map.entry("parallel", new ParallelKind()),
            Map.entry("race", new RaceKind()),
            Map.entry("loop", new LoopKind()),
            Map.entry("break", new BreakKind()),
            Map.entry("retry", new RetryKind()),
            Map.entry("catch", new CatchKind()),
            Map.entry("map", new MapKind()),
            Map.entry("timeout", new TimeoutKind()),
            Map.entry("saga", new SagaKind()),
            Map.entry("activity", new ActivityKind()),
            Map.entry("approval", new ApprovalKind()),
            Map.entry("withQueue", new WithQueueKind()),
            Map.entry("steps", new StepsKind())));
    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
    /** Longer lists become a sequence of sequences: a graph may be 256 levels deep. */
    private static final int LONGEST_CHAIN = 100;

    /** Further than any graph that df.start takes; before the stack of this thread ends. */
    private static final int DEEPEST = 100;

    private final int depth;

    private StepList(int depth) {
        this.depth = depth;
    }

    /**
     * The JSON of the graph that a list of steps means.
     *
     * @param steps an array
     * @param place where it stands
     */
    public static String translate(JsonNode steps, Place place) throws InvalidDefinitionException {
        return new StepList(0).sequence(steps, place).print();
    }

    /** The JSON of the node that calls a named workflow. */
    public static String call(JsonNode called, Place place) throws InvalidDefinitionException {
        return new CallKind().translate(called, place, new StepList(0)).print();
    }

    /** The steps of a list, one after the other. */
    NodeText sequence(JsonNode steps, Place place) throws InvalidDefinitionException {
        if (!steps.isArray()) {
            throw place.invalid("expected a list of steps, found " + Fields.kind(steps));
        }
        if (steps.isEmpty()) {
            throw place.invalid("the list of steps is empty");
        }
        if (depth > DEEPEST) {
            throw place.invalid("steps are nested more than " + DEEPEST + " deep");
        }
        StepList inside = new StepList(depth + 1);
        List<NodeText> nodes = new ArrayList<>();
        for (int i = 0; i < steps.size(); i++) {
            nodes.add(inside.step(steps.get(i), place.item(i)));
        }
        while (nodes.size() > LONGEST_CHAIN) {
            List<NodeText> chains = new ArrayList<>();
            for (int i = 0; i < nodes.size(); i += LONGEST_CHAIN) {
                chains.add(chain(nodes.subList(i, Math.min(nodes.size(), i + LONGEST_CHAIN))));
            }
            nodes = chains;
        }
        return chain(nodes);
    }

    /** Two or more branches. */
    List<NodeText> branches(JsonNode branches, Place place) throws InvalidDefinitionException {
        if (!branches.isArray() || branches.size() < 2) {
            throw place.invalid("expected a list of at least two branches, each a list of steps");
        }
        List<NodeText> nodes = new ArrayList<>();
        for (int i = 0; i < branches.size(); i++) {
            nodes.add(sequence(branches.get(i), place.item(i)));
        }
        return nodes;
    }

    private static NodeText chain(List<NodeText> nodes) {
        NodeText all = nodes.get(0);
        for (NodeText next : nodes.subList(1, nodes.size())) {
            all = NodeText.pair("THEN", all, next);
        }
        return all;
    }

    private NodeText step(JsonNode step, Place place) throws InvalidDefinitionException {
        if (!step.isObject()) {
            throw place.invalid("expected a step such as {sql: …}, found " + Fields.kind(step));
        }
        List<String> keys = new ArrayList<>();
        step.fieldNames().forEachRemaining(keys::add);
        keys.remove("name");
        boolean hasParams = keys.remove("params");
        boolean hasUndo = keys.remove("undo");
        if (keys.remove("registerUndo") && !hasUndo) {
            throw place.member("registerUndo").invalid("the step has no undo");
        }
        if (hasParams && !keys.contains("sql")) {
            throw place.member("params").invalid("only a step with sql has parameters");
        }
        if (keys.isEmpty()) {
            throw place.invalid("the step has no kind: give it one of " + kinds()
                    + ". A break without a value is written break: {}");
        }
        if (keys.size() > 1) {
            throw place.invalid("the step has more than one kind: "
                    + keys.stream().sorted().collect(Collectors.joining(", ")) + ". Each item of the list is one step");
        }
        StepKind kind = KINDS.get(keys.get(0));
        if (kind == null) {
            throw place.invalid("unknown kind of step '" + keys.get(0) + "': there are " + kinds());
        }
        NodeText node = kind.translate(step.get(keys.get(0)), place.member(keys.get(0)), this);
        if (hasParams) {
            node = node.with(params(step.path("params"), place.member("params")));
        }
        node = named(node, step.get("name"), place);
        if (!hasUndo) {
            return node;
        }
        // The undo sees the name.
        NodeText undo = sequence(step.path("undo"), place.member("undo"));
        return SagaKind.withUndo(node, undo, step.get("registerUndo"), place.member("registerUndo"));
    }

    private static NodeText named(NodeText node, @Nullable JsonNode name, Place place)
            throws InvalidDefinitionException {
        if (name == null || name.isNull()) {
            return node;
        }
        if (!name.isTextual() || !NAME.matcher(name.textValue()).matches()) {
            throw place.member("name").invalid("not a name: letters, digits and _, beginning with no digit");
        }
        if (node.name() != null) {
            throw place.member("name").invalid("the only step inside has the name '" + node.name() + "' already");
        }
        return node.named(name.textValue());
    }

    private static List<String> params(JsonNode params, Place place) throws InvalidDefinitionException {
        if (!params.isArray() || params.isEmpty()) {
            throw place.invalid("expected a list of the values of $1 and so on");
        }
        List<String> templates = new ArrayList<>();
        for (int i = 0; i < params.size(); i++) {
            if (!params.get(i).isTextual()) {
                throw place.item(i).invalid("expected a text, found " + Fields.kind(params.get(i)));
            }
            if (params.get(i).textValue().indexOf('\0') >= 0) {
                throw place.item(i).invalid("holds the character 0, which PostgreSQL cannot store");
            }
            templates.add(params.get(i).textValue());
        }
        return templates;
    }

    private static String kinds() {
        return String.join(", ", KINDS.keySet());
    }
}
