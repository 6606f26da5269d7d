package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** {@code approval: {title, assignees, payload, within, otherwise, quorum, notSubmitter}}, as {@code df.approval}. */
final class ApprovalKind implements StepKind {

    private static final int MOST_ASSIGNEES = 100;
    private static final int LARGEST_QUORUM = 1000;

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        Fields fields = Fields.of(
                value, place, "title", "assignees", "payload", "within", "otherwise", "quorum", "notSubmitter");
        JsonNode named = fields.required("assignees");
        if (!named.isArray() || named.isEmpty() || named.size() > MOST_ASSIGNEES) {
            throw fields.place("assignees").invalid("expected a list of 1 to 100 roles");
        }
        List<String> assignees = new ArrayList<>();
        for (int i = 0; i < named.size(); i++) {
            assignees.add(JsonText.quote(
                    Fields.text(named.get(i), fields.place("assignees").item(i))));
        }
        Integer quorum = fields.optionalPositive("quorum");
        if (quorum != null && quorum > LARGEST_QUORUM) {
            throw fields.place("quorum").invalid("expected at most " + LARGEST_QUORUM);
        }
        JsonNode excluded = fields.optional("notSubmitter");
        if (excluded != null && !excluded.isBoolean()) {
            throw fields.place("notSubmitter").invalid("expected true or false, found " + Fields.kind(excluded));
        }
        String payload = ActivityKind.payload(fields.optional("payload"));
        NodeText node = NodeText.leaf(
                "APPROVAL",
                "{\"title\":" + JsonText.quote(fields.text("title")) + ",\"assignees\":[" + String.join(",", assignees)
                        + "],\"payload\":" + (payload == null ? "null" : JsonText.quote(payload)) + ",\"quorum\":"
                        + (quorum == null ? 1 : quorum) + ",\"not_submitter\":"
                        + (excluded != null && excluded.booleanValue()) + "}");
        JsonNode within = fields.optional("within");
        JsonNode otherwise = fields.optional("otherwise");
        if (within == null && otherwise != null) {
            throw fields.place("otherwise").invalid("it runs when the time is over: give within too");
        }
        return within == null
                ? node
                : TimeoutKind.limited(
                        node,
                        TimeoutKind.limit(within, fields.place("within")),
                        otherwise == null ? null : steps.sequence(otherwise, fields.place("otherwise")));
    }
}
