package dev.perdure.graph;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** Nodes that a program or a person decides: {@code df._activity_problem} has the same rules. */
final class AssignmentParser {

    private static final long SHORTEST_LEASE_MILLIS = 1000;
    private static final int MOST_ATTEMPTS = 1_000_000;
    private static final int MOST_ASSIGNEES = 100;
    private static final int LARGEST_QUORUM = 1000;

    private AssignmentParser() {}

    /**
     * Reads one.
     *
     * @param query its configuration, which is there
     * @param invalid says of the node what is wrong
     */
    static Node parse(NodeRow row, String query, NodeConfig config, Function<String, InvalidGraphException> invalid) {
        if (query.isEmpty()) {
            throw invalid.apply(row.nodeType() + " has no configuration");
        }
        return row.nodeType().equals("ACTIVITY") ? activity(row, config, invalid) : approval(row, config, invalid);
    }

    private static Node activity(NodeRow row, NodeConfig config, Function<String, InvalidGraphException> invalid) {
        String kind = config.string("kind");
        String payload = config.string("payload");
        if (kind == null || kind.isBlank()) {
            throw invalid.apply("ACTIVITY has no kind");
        }
        if (payload == null) {
            throw invalid.apply("ACTIVITY has no payload");
        }
        return new ActivityNode(
                row.id(),
                row.resultName(),
                kind,
                payload,
                config.millis("lease_ms", SHORTEST_LEASE_MILLIS).toMillis(),
                config.upTo(MOST_ATTEMPTS, "max_attempts"));
    }

    private static Node approval(NodeRow row, NodeConfig config, Function<String, InvalidGraphException> invalid) {
        String title = config.string("title");
        if (title == null || title.isBlank()) {
            throw invalid.apply("APPROVAL has no title");
        }
        JsonNode named = config.get("assignees");
        if (named == null || !named.isArray() || named.isEmpty() || named.size() > MOST_ASSIGNEES) {
            throw invalid.apply("assignees of APPROVAL must be 1 to 100 names of roles");
        }
        List<String> assignees = new ArrayList<>();
        for (JsonNode assignee : named) {
            if (!assignee.isTextual() || assignee.textValue().isEmpty()) {
                throw invalid.apply("assignees of APPROVAL must be 1 to 100 names of roles");
            }
            assignees.add(assignee.textValue());
        }
        return new ApprovalNode(
                row.id(),
                row.resultName(),
                title,
                List.copyOf(assignees),
                config.string("payload"),
                config.upTo(LARGEST_QUORUM, "quorum"),
                config.flag("not_submitter"));
    }
}
