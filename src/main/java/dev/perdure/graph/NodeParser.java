package dev.perdure.graph;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Turns one row into a {@link Node}, checking it against specification 1.4 (configs) and 3.2 (structure). */
final class NodeParser {

    private static final JsonMapper JSON = new JsonMapper();
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
            case "CATCH" -> guarded(id, name);
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
        JsonNode config = config();
        if (config == null) {
            throw invalid("IF has no condition");
        }
        JsonNode type = config.get("condition_type");
        if (type != null) {
            if (!"result_has_rows".equals(type.textValue())) {
                throw invalid("unknown condition_type " + type);
            }
            String tested = string(config, "result_name");
            if (tested == null) {
                throw invalid("IF by result_has_rows names no result");
            }
            return new IfRowsNode(id, name, tested, left(), right());
        }
        String condition = string(config, "condition_node");
        if (condition == null) {
            throw invalid("IF has no condition");
        }
        return new IfNode(id, name, condition, left(), right());
    }

    private Node loop(String id, @Nullable String name) {
        if (row.rightNode() != null) {
            throw invalid("LOOP has a right child");
        }
        JsonNode config = config();
        return new LoopNode(id, name, left(), config == null ? null : string(config, "condition_node"));
    }

    private List<String> branches() {
        List<String> branches = new ArrayList<>();
        branches.add(left());
        branches.add(right());
        JsonNode config = config();
        JsonNode extras = config == null ? null : config.get("extra_nodes");
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
        JsonNode config = config();
        String expression = config == null ? null : string(config, "cron_expr");
        if (config == null || expression == null) {
            throw invalid("WAIT_SCHEDULE has no cron_expr");
        }
        return new WaitScheduleNode(id, name, expression, string(config, "timezone"));
    }

    private Node retry(String id, @Nullable String name) {
        if (row.rightNode() != null) {
            throw invalid("RETRY has a right child");
        }
        JsonNode config = config();
        if (config == null) {
            throw invalid("RETRY has no configuration");
        }
        try {
            return new RetryNode(id, name, left(), RetryPolicyParser.parse(config));
        } catch (IllegalArgumentException e) {
            throw invalid(String.valueOf(e.getMessage()));
        }
    }

    private Node guarded(String id, @Nullable String name) {
        JsonNode config = config();
        if (config == null) {
            throw invalid("CATCH has no configuration");
        }
        try {
            return new CatchNode(id, name, left(), right(), FailureConditions.parse(config, "codes", "CATCH"));
        } catch (IllegalArgumentException e) {
            throw invalid(String.valueOf(e.getMessage()));
        }
    }

    private Node signal(String id, @Nullable String name) {
        leafText();
        JsonNode config = config();
        String signal = config == null ? null : string(config, "signal_name");
        if (config == null || signal == null || signal.isEmpty()) {
            throw invalid("SIGNAL has no signal_name");
        }
        JsonNode timeout = config.get("timeout_seconds");
        if (timeout == null || timeout.isNull()) {
            return new SignalNode(id, name, signal, null);
        }
        if (!timeout.isIntegralNumber() || !timeout.canConvertToInt() || timeout.intValue() <= 0) {
            throw invalid("timeout_seconds of SIGNAL is not a positive integer: " + timeout);
        }
        return new SignalNode(id, name, signal, timeout.intValue());
    }

    private @Nullable String breakValue() {
        leafText();
        JsonNode config = config();
        return config == null ? null : string(config, "break_value");
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

    /** The query as a JSON object; null when there is none. */
    private @Nullable JsonNode config() {
        String query = row.query();
        if (query == null) {
            return null;
        }
        JsonNode config;
        try {
            config = JSON.readTree(query);
        } catch (JsonProcessingException e) {
            throw invalid("query in " + row.nodeType() + " must be valid JSON config: " + e.getOriginalMessage());
        }
        if (!config.isObject()) {
            throw invalid("query in " + row.nodeType() + " must be a JSON config object");
        }
        return config;
    }

    /** A member that is a string; null when it is absent or null. */
    private @Nullable String string(JsonNode config, String member) {
        JsonNode value = config.get(member);
        if (value == null || value.isNull()) {
            return null;
        }
        if (!value.isTextual()) {
            throw invalid(member + " is not a string");
        }
        return value.textValue();
    }

    private InvalidGraphException invalid(String problem) {
        return new InvalidGraphException(instanceId, row.id(), problem);
    }
}
