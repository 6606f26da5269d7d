package dev.perdure.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class GraphReaderTest {

    private final GraphDraft draft = new GraphDraft();

    @Test
    void every_type_is_read() {
        String a = draft.as(draft.sql("SELECT 1"), "a");
        String signal = draft.leaf("SIGNAL", "{\"signal_name\":\"go\"}");
        String wide = draft.join(a, draft.sleep("5"), draft.leave("x"), signal);
        String other = draft.race(draft.leaf("HTTP", "{}"), draft.leaf("HTTP_MULTIPART", "{}"));
        String branch = draft.when(draft.sql("SELECT true"), wide, other);
        String rows = draft.whenRows("a", draft.leaf("WAIT_SCHEDULE", "{\"cron_expr\":\"@daily\"}"), draft.leave(null));
        String loop = draft.loop(draft.then(branch, rows), draft.sql("SELECT false"));
        Graph graph = draft.graph(loop);

        assertThat(graph.size()).isEqualTo(16);
        assertThat(graph.root()).isInstanceOf(LoopNode.class);
        assertThat(graph.node(a)).isEqualTo(new SqlNode(a, "a", "SELECT 1", List.of()));
        assertThat(((JoinNode) graph.node(wide)).branches()).hasSize(4).startsWith(a);
        assertThat(graph.parent(a)).isEqualTo(graph.node(wide));
        assertThat(graph.parent(loop)).isNull();
        assertThat(graph.contains("ffffffff")).isFalse();
        assertThat(graph.children(branch)).hasSize(3).endsWith(wide, other);
    }

    @Test
    void rows_that_are_not_reached_do_not_matter() {
        String root = draft.sql("SELECT 1");
        draft.add("NONSENSE", "x", "y", "z");
        assertThat(draft.graph(root).size()).isEqualTo(1);
    }

    @Test
    void a_bad_sleep_is_read_and_fails_when_it_runs() {
        assertThat(draft.graph(draft.sleep("soon")).root()).isInstanceOf(SleepNode.class);
    }

    @Test
    void the_message_names_instance_and_node() {
        assertThatThrownBy(() -> draft.graph("0000000f"))
                .isInstanceOf(InvalidGraphException.class)
                .hasMessage("Instance a1b2c3d4: node 0000000f: missing");
    }

    @Test
    void cycles_and_shared_nodes_are_refused() {
        rejects(
                "cycle",
                row("1", "THEN", null, "2", "3"),
                row("2", "SQL", "x", null, null),
                row("3", "LOOP", null, "1", null));
        rejects("twice", row("1", "THEN", null, "2", "2"), row("2", "SQL", "x", null, null));
        rejects(
                "twice",
                row("1", "THEN", null, "2", "3"),
                row("2", "LOOP", null, "3", null),
                row("3", "LOOP", null, "2", null));
        rejects("is the root", row("1", "LOOP", null, "1", null));
        rejects("the id occurs twice", row("1", "SQL", "x", null, null), row("1", "SQL", "y", null, null));
    }

    @Test
    void dangling_ids_are_refused() {
        rejects("node 9: is missing, but is a child of 1", row("1", "LOOP", null, "9", null));
        rejects(
                "node 9: is missing",
                row("1", "LOOP", "{\"condition_node\":\"9\"}", "2", null),
                row("2", "SQL", "x", null, null));
    }

    @Test
    void bad_structure_is_refused() {
        rejects("Unknown node_type 'X'", row("1", "X", "x", null, null));
        rejects("SQL has no query", row("1", "SQL", null, null, null));
        rejects("SQL has a child", row("1", "SQL", "x", "2", null));
        rejects("THEN has no right child", row("1", "THEN", null, "2", null));
        rejects("IF has no condition", row("1", "IF", null, "2", "3"));
        rejects("IF has no condition", row("1", "IF", "{}", "2", "3"));
        rejects("must be valid JSON config", row("1", "IF", "{", "2", "3"));
        rejects("must be a JSON config object", row("1", "IF", "[]", "2", "3"));
        rejects("must be a JSON config object", row("1", "IF", "", "2", "3"));
        rejects("condition_node is not a string", row("1", "LOOP", "{\"condition_node\":1}", "2", null));
        rejects("every_ms of LOOP is not an integer", row("1", "LOOP", "{\"every_ms\":-1}", "2", null));
        rejects("every_ms of LOOP is not an integer", row("1", "LOOP", "{\"every_ms\":\"1\"}", "2", null));
        rejects("LOOP has a right child", row("1", "LOOP", null, "2", "3"));
        rejects("unknown condition_type", row("1", "IF", "{\"condition_type\":\"x\"}", "2", "3"));
        rejects("names no result", row("1", "IF", "{\"condition_type\":\"result_has_rows\"}", "2", "3"));
        rejects("where a node id is expected", row("1", "JOIN", "{\"extra_nodes\":[1]}", "2", "3"));
        rejects("extra_nodes is not an array", row("1", "JOIN", "{\"extra_nodes\":{}}", "2", "3"));
        rejects("break_value is not a string", row("1", "BREAK", "{\"break_value\":1}", null, null));
        rejects("must be valid JSON config", row("1", "BREAK", "x", null, null));
        rejects("must be valid JSON config", row("1", "IF", "[".repeat(100_000), "2", "3"));
        assertThatThrownBy(() -> GraphReader.read("i", "1", List.of(new NodeRow("1", "SQL", "x", "a b", null, null))))
                .hasMessageContaining("result name 'a b'");
        assertThatThrownBy(() -> GraphReader.read("i", "a::1", List.of(row("a::1", "SQL", "x", null, null))))
                .hasMessageContaining("not a node id");
    }

    @Test
    void depth_and_number_of_nodes_have_limits() {
        assertThat(GraphReader.read("i", "0", chain(256)).size()).isEqualTo(257);
        assertThatThrownBy(() -> GraphReader.read("i", "0", chain(257)))
                .hasMessageContaining("maximum nesting depth of 256");
        assertThatThrownBy(() -> GraphReader.read("i", "0", chain(200_000))).hasMessageContaining("nesting depth");
        assertThat(wide(9_999).size()).isEqualTo(10_000);
        assertThatThrownBy(() -> wide(10_000)).hasMessageContaining("maximum node count of 10000");
    }

    private static List<NodeRow> chain(int depth) {
        List<NodeRow> rows = new ArrayList<>();
        for (int i = 0; i < depth; i++) {
            rows.add(row(String.valueOf(i), "LOOP", null, String.valueOf(i + 1), null));
        }
        rows.add(row(String.valueOf(depth), "SQL", "x", null, null));
        return rows;
    }

    private Graph wide(int branches) {
        GraphDraft wide = new GraphDraft();
        String[] ids = new String[branches];
        for (int i = 0; i < branches; i++) {
            ids[i] = wide.sql("SELECT " + i);
        }
        String root = wide.join(ids);
        Collections.shuffle(wide.rows());
        return wide.graph(root);
    }

    private static void rejects(String problem, NodeRow... rows) {
        assertThatThrownBy(() -> GraphReader.read("i", "1", List.of(rows)))
                .isInstanceOf(InvalidGraphException.class)
                .hasMessageStartingWith("Instance i: node ")
                .hasMessageContaining(problem);
    }

    private static NodeRow row(
            String id, String type, @Nullable String query, @Nullable String left, @Nullable String right) {
        return new NodeRow(id, type, query, null, left, right);
    }
}
