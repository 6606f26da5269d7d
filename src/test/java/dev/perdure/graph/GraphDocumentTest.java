package dev.perdure.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Graphs whose text somebody has written by hand. */
class GraphDocumentTest {

    private static final String ROOT = "0000002a";

    private static long allocated() {
        return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
    }

    @ParameterizedTest
    @ValueSource(strings = {"{},", "{\"\":{\"\":0}},", "[[[]]],", "0,", "\"\","})
    void what_belongs_to_no_node_takes_no_memory(String dense) {
        String text = "{\"x\":[" + dense.repeat(4 * 1024 * 1024 / dense.length())
                + "0],\"node_type\":\"SQL\",\"query\":\"SELECT 1\",\"extra_nodes\":{\"y\":[" + dense.repeat(100_000)
                + "0]}}";
        long before = allocated();

        List<NodeRow> rows = GraphDocument.rows(ROOT, text);

        assertThat(allocated() - before).isLessThan(text.length());
        assertThat(rows).containsExactly(new NodeRow(ROOT, "SQL", "SELECT 1", null, null, null));
    }

    @Test
    void the_last_of_several_members_of_one_name_counts_in_whatever_order_they_come() {
        List<NodeRow> rows = GraphDocument.rows(
                ROOT,
                """
                {"right_node": {"node_type": "SQL", "query": "b"}, "left_node": {"node_type": "SQL", "query": "gone"},
                 "query": 7, "left_node": {"query": "a", "node_type": "SQL"}, "node_type": "THEN", "result_name": null,
                 "params": ["p", 1.50, {"k": null}]}
                """);

        assertThat(rows).extracting(NodeRow::query).containsExactly("7", "a", "b");
        assertThat(rows.get(0).leftNode()).isEqualTo(rows.get(1).id());
        assertThat(rows.get(0).rightNode()).isEqualTo(rows.get(2).id());
        assertThat(rows.get(0).resultName()).isNull();
        assertThat(rows.get(0).params()).startsWith("[\"p\",1.5").endsWith(",{\"k\":null}]");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "7", "[]", "null", "{", "{\"node_type\":", "{\"x\":[1,2}"})
    void what_is_no_node_has_no_rows(String text) {
        assertThat(GraphDocument.rows(ROOT, text)).isEmpty();
    }

    @Test
    void a_graph_with_too_many_nodes_is_refused_before_it_is_read_to_its_end() {
        String text = "{\"node_type\":\"JOIN\",\"extra_nodes\":[" + "{},".repeat(2_000_000) + "0]}";
        long before = allocated();

        assertThatThrownBy(() -> GraphDocument.rows(ROOT, text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("maximum node count of 10000");
        assertThat(allocated() - before).isLessThan(text.length());
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"%s\"", "[\"%s\"]", "{\"%s\":0}"})
    void a_text_of_a_node_that_is_too_long_is_refused(String query) {
        String text = "{\"node_type\":\"SQL\",\"query\":" + query.formatted("x".repeat(3 * 1024 * 1024)) + "}";

        assertThatThrownBy(() -> GraphDocument.rows(ROOT, text)).isInstanceOf(IllegalArgumentException.class);
    }
}
