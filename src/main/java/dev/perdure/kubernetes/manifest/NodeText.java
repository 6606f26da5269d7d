package dev.perdure.kubernetes.manifest;

import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A node with its children, as {@code df._print_node} prints it (specification 1.2).
 *
 * @param children of JOIN, from the third on
 * @param params templates of the parameters of a statement
 */
record NodeText(
        String type,
        @Nullable NodeText left,
        @Nullable NodeText right,
        @Nullable NodeText condition,
        List<NodeText> children,
        @Nullable String query,
        List<String> params,
        @Nullable String name) {

    NodeText(
            String type,
            @Nullable NodeText left,
            @Nullable NodeText right,
            @Nullable NodeText condition,
            List<NodeText> children,
            @Nullable String query,
            @Nullable String name) {
        this(type, left, right, condition, children, query, List.of(), name);
    }

    static NodeText leaf(String type, String query) {
        return new NodeText(type, null, null, null, List.of(), query, null);
    }

    static NodeText sql(String statement) {
        return leaf("SQL", statement);
    }

    static NodeText pair(String type, NodeText left, NodeText right) {
        return new NodeText(type, left, right, null, List.of(), null, null);
    }

    NodeText named(String result) {
        return new NodeText(type, left, right, condition, children, query, params, result);
    }

    NodeText with(List<String> parameters) {
        return new NodeText(type, left, right, condition, children, query, parameters, name);
    }

    String print() {
        StringBuilder out = new StringBuilder();
        print(out);
        return out.toString();
    }

    private void print(StringBuilder out) {
        out.append("{\"node_type\":").append(JsonText.quote(type));
        member(out, "left_node", left);
        member(out, "right_node", right);
        member(out, "condition_node", condition);
        if (!children.isEmpty()) {
            out.append(",\"extra_nodes\":[");
            for (int i = 0; i < children.size(); i++) {
                out.append(i == 0 ? "" : ",");
                children.get(i).print(out);
            }
            out.append(']');
        }
        if (query != null) {
            out.append(",\"query\":").append(JsonText.quote(query));
        }
        if (!params.isEmpty()) {
            out.append(params.stream().map(JsonText::quote).collect(Collectors.joining(",", ",\"params\":[", "]")));
        }
        if (name != null) {
            out.append(",\"result_name\":").append(JsonText.quote(name));
        }
        out.append('}');
    }

    private static void member(StringBuilder out, String member, @Nullable NodeText node) {
        if (node != null) {
            out.append(",\"").append(member).append("\":");
            node.print(out);
        }
    }
}
