package dev.perdure.graph;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Turns one row into a {@link Node}, checking it against specification 1.4 (configs) and 3.2 (structure). */
final class NodeParser {

    private static final JsonMapper JSON = new JsonMapper();
    private static final long SHORTEST_LOOK_MILLIS = 100;
    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
    /** Ids take part in stamps, which are split at colons. */
    private static final Pattern ID = Pattern.compile("[A-Za-z0-9_-]{1,64}");

    private final String instanceId;
    private final NodeRow row;

    private NodeParser(String instanceId, NodeRow row) {
        this.instanceId = instanceId;
        this.row = row;
    }

    static Node parse(String instanceId, NodeRow row) {
        return new NodeParser(instanceId, row).node();
    }

    private Node node() {
        String id = row.id();
        if (!ID.matcher(id).matches()) {
            throw invalid("not a node id");
        }
        String name = row.resultName();
        if (name != null && !NAME.matcher(name).matches()) {
            throw invalid("result name '" + name + "' is not a valid identifier");
        }
        return switch (row.nodeType()) {
            case "SQL" -> new SqlNode(id, name, leafText(), parameters());
            case "THEN" -> new ThenNode(id, name, left(), right());
            case "IF" -> branching(id, name);
            case "LOOP" -> loop(id, name);
            case "BREAK" -> new BreakNode(id, name, breakValue());
            case "JOIN" -> new JoinNode(id, name, branches());
            case "RACE" -> new RaceNode(id, name, left(), right());
            case "SLEEP" -> new SleepNode(id, name, leafText());
            case "WAIT_SCHEDULE" -> schedule(id, name);
            case "RETRY" -> retry(id, name);
            case "HTTP" -> new HttpNode(id, name, leafText());
            case "HTTP_MULTIPART" -> new MultipartNode(id, name, leafText());
            case "SIGNAL" -> signal(id, name);
            case "WAIT_CONDITION" -> conditionWait(id, name);
            case "WAIT_EVENT" -> eventWait(id, name);
            case "CATCH" -> guarded(id, name);
            case "SAGA" -> saga(id, name);
            case "WITH_UNDO" -> withUndo(id, name);
            case "MAP" -> map(id, name);
            case "CALL" -> call(id, name);
            case "TIMEOUT" -> limited(id, name);
            case "ACTIVITY", "APPROVAL" -> AssignmentParser.parse(row, leafText(), config(), this::invalid);
            case "WITH_QUEUE" -> section(id, name);
            default -> throw invalid("Unknown node_type '" + row.nodeType() + "'");
        };
    }

    private List<String> parameters() {
        String params = row.params();
        if (params == null) {
            return List.of();
        }
        List<String> templates = new ArrayList<>();
        try {
            JsonNode array = JSON.readTree(params);
            for (JsonNode template : array) {
                if (!template.isTextual()) {
                    throw invalid("params holds " + template.getNodeType() + " where a text is expected");
                }
                templates.add(template.textValue());
            }
            if (!array.isArray()) {
                throw invalid("params is not an array");
            }
        } catch (JsonProcessingException e) {
            throw invalid("params is not valid JSON: " + e.getOriginalMessage());
        }
        return List.copyOf(templates);
    }

    private Node branching(String id, @Nullable String name) {
        NodeConfig config = config();
        JsonNode type = config.get("condition_type");
        if (type != null) {
            if (!"result_has_rows".equals(type.textValue())) {
                throw invalid("unknown condition_type " + type);
            }
            String tested = config.string("result_name");
            if (tested == null) {
                throw invalid("IF by result_has_rows names no result");
            }
            return new IfRowsNode(id, name, tested, left(), right());
        }
        String condition = config.string("condition_node");
        if (condition == null) {
            throw invalid("IF has no condition");
        }
        return new IfNode(id, name, condition, left(), right());
    }

    private Node loop(String id, @Nullable String name) {
        if (row.rightNode() != null) {
            throw invalid("LOOP has a right child");
        }
        NodeConfig config = config();
        return new LoopNode(
                id,
                name,
                left(),
                config.string("condition_node"),
                config.isSet("every_ms") ? config.millis("every_ms", 0) : Duration.ofSeconds(1),
                config.flag("continue_on_failure"));
    }

    private Node conditionWait(String id, @Nullable String name) {
        leafText();
        NodeConfig config = config();
        String query = config.string("query");
        if (query == null || query.isBlank()) {
            throw invalid("WAIT_CONDITION has no query");
        }
        return new ConditionWaitNode(id, name, query, config.millis("every_ms", SHORTEST_LOOK_MILLIS));
    }

    private List<String> branches() {
        List<String> branches = new ArrayList<>();
        branches.add(left());
        branches.add(right());
        JsonNode extras = config().get("extra_nodes");
        if (extras == null) {
            return branches;
        }
        if (!extras.isArray()) {
            throw invalid("extra_nodes is not an array");
        }
        for (JsonNode extra : extras) {
            if (!extra.isTextual()) {
                throw invalid("extra_nodes holds " + extra.getNodeType() + " where a node id is expected");
            }
            branches.add(extra.textValue());
        }
        return branches;
    }

    private Node schedule(String id, @Nullable String name) {
        leafText();
        NodeConfig config = config();
        String expression = config.string("cron_expr");
        if (expression == null) {
            throw invalid("WAIT_SCHEDULE has no cron_expr");
        }
        return new WaitScheduleNode(id, name, expression, config.string("timezone"));
    }

    private Node retry(String id, @Nullable String name) {
        if (row.rightNode() != null) {
            throw invalid("RETRY has a right child");
        }
        JsonNode config = config().required();
        try {
            return new RetryNode(id, name, left(), RetryPolicyParser.parse(config));
        } catch (IllegalArgumentException e) {
            throw invalid(String.valueOf(e.getMessage()));
        }
    }

    private Node guarded(String id, @Nullable String name) {
        JsonNode config = config().required();
        try {
            return new CatchNode(id, name, left(), right(), FailureConditions.parse(config, "codes", "CATCH"));
        } catch (IllegalArgumentException e) {
            throw invalid(String.valueOf(e.getMessage()));
        }
    }

    private Node saga(String id, @Nullable String name) {
        if (row.rightNode() != null) {
            throw invalid("SAGA has a right child");
        }
        return new SagaNode(id, name, left());
    }

    private Node withUndo(String id, @Nullable String name) {
        String register = config().string("register");
        if (!"after".equals(register) && !"before".equals(register)) {
            throw invalid("register of WITH_UNDO is neither after nor before");
        }
        return new UndoNode(id, name, left(), right(), register.equals("before"));
    }

    private Node map(String id, @Nullable String name) {
        NodeConfig config = config();
        config.required();
        String named = config.string("items");
        if ((named == null) == (row.rightNode() == null)) {
            throw invalid("MAP has either a right child, whose rows are its items, or items");
        }
        String item = config.string("item");
        if (item == null || !NAME.matcher(item).matches()) {
            throw invalid("item of MAP is not a valid identifier");
        }
        try {
            ItemPlan plan = new ItemPlan(
                    item,
                    config.upTo(ItemPlan.MOST_CONCURRENT, "max_concurrent"),
                    config.upTo(ItemPlan.LARGEST_BATCH, "batch_size"),
                    ToleratedFailures.parse(config.string("on_failure"), config.string("tolerate")));
            return new MapNode(id, name, left(), row.rightNode(), named, plan);
        } catch (IllegalArgumentException e) {
            throw invalid(String.valueOf(e.getMessage()));
        }
    }

    private Node call(String id, @Nullable String name) {
        leafText();
        NodeConfig config = config();
        String called = config.string("name");
        if (called == null || called.isBlank()) {
            throw invalid("CALL has no name");
        }
        JsonNode args = config.get("args");
        if (args == null || !args.isObject()) {
            throw invalid("args of CALL must be a JSON object");
        }
        Integer version = config.isSet("version") ? config.upTo(Integer.MAX_VALUE, "version") : null;
        return new CallNode(id, name, called, args.toString(), version);
    }

    private Node section(String id, @Nullable String name) {
        if (row.rightNode() != null) {
            throw invalid("WITH_QUEUE has a right child");
        }
        NodeConfig config = config();
        String queue = config.string("queue");
        if (queue == null || queue.isEmpty()) {
            throw invalid("WITH_QUEUE has no queue");
        }
        return new SectionNode(id, name, left(), queue, config.string("key"));
    }

    private Node limited(String id, @Nullable String name) {
        NodeConfig config = config();
        config.required();
        String deadline = config.string("deadline");
        JsonNode within = config.get("within_ms");
        if ((deadline == null) == (within == null)) {
            throw invalid("TIMEOUT has neither or both of within_ms and deadline");
        }
        try {
            return new TimeoutNode(
                    id,
                    name,
                    left(),
                    within == null ? null : config.millis("within_ms", 1),
                    deadline == null ? null : Instant.parse(deadline),
                    row.rightNode());
        } catch (DateTimeParseException e) {
            throw invalid("deadline of TIMEOUT is no time such as 2026-12-01T08:00:00Z");
        }
    }

    private Node signal(String id, @Nullable String name) {
        leafText();
        NodeConfig config = config();
        String signal = config.string("signal_name");
        if (signal == null || signal.isEmpty()) {
            throw invalid("SIGNAL has no signal_name");
        }
        return new SignalNode(id, name, signal, config.timeoutSeconds());
    }

    private Node eventWait(String id, @Nullable String name) {
        leafText();
        NodeConfig config = config();
        String publisher = config.string("instance_id");
        String event = config.string("event_name");
        if (publisher == null || publisher.isBlank()) {
            throw invalid("WAIT_EVENT has no instance_id");
        }
        if (event == null || event.isEmpty()) {
            throw invalid("WAIT_EVENT has no event_name");
        }
        return new EventWaitNode(id, name, publisher, event, config.timeoutSeconds());
    }

    private @Nullable String breakValue() {
        leafText();
        return config().string("break_value");
    }

    /** The query of a type that has one and no children. */
    private String leafText() {
        if (row.leftNode() != null || row.rightNode() != null) {
            throw invalid(row.nodeType() + " has a child");
        }
        String query = row.query();
        if (query == null) {
            throw invalid(row.nodeType() + " has no query");
        }
        return query;
    }

    private String left() {
        return required(row.leftNode(), "left");
    }

    private String right() {
        return required(row.rightNode(), "right");
    }

    private String required(@Nullable String child, String side) {
        if (child == null) {
            throw invalid(row.nodeType() + " has no " + side + " child");
        }
        return child;
    }

    private NodeConfig config() {
        return NodeConfig.of(row, this::invalid);
    }

    private InvalidGraphException invalid(String problem) {
        return new InvalidGraphException(instanceId, row.id(), problem);
    }
}
