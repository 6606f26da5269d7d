package dev.perdure.store;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.perdure.graph.GraphDocument;
import dev.perdure.graph.NodeRow;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.jspecify.annotations.Nullable;

/** A graph has the same nodes, with the same ids, for the worker as in the view df.nodes. */
class GraphDocumentProperties {

    private static final JsonMapper JSON = new JsonMapper();
    private static final List<String> TEXTS =
            List.of("SELECT 1", "", "é", "a\"b\\c", "line\nend", "\u0001", "$$ {x} ", "\"query\":", "🐘");

    private static @Nullable Connection alice;

    @BeforeContainer
    static void connect() throws Exception {
        TestDatabase database = PostgresServer.get().newDatabase();
        database.createUser("alice");
        alice = database.connect("alice");
    }

    @AfterContainer
    static void disconnect() throws Exception {
        if (alice != null) {
            alice.close();
        }
    }

    @Property(tries = 150, shrinking = ShrinkingMode.OFF)
    void java_and_sql_see_the_same_nodes(@ForAll long seed) throws Exception {
        Random random = new Random(seed);
        JsonNode graph = node(random, 4);
        String text = random.nextInt(4) == 0 ? graph.toPrettyString() : graph.toString();

        String id = String.valueOf(
                TestDatabase.rows(alice, "SELECT df.start(?)", text).get(0).get(0));
        List<@Nullable String> instance = TestDatabase.rows(
                        alice, "SELECT root_node, graph FROM df.instances WHERE id = ?", id)
                .get(0);
        List<NodeRow> rows = GraphDocument.rows(String.valueOf(instance.get(0)), String.valueOf(instance.get(1)));

        Map<String, List<Object>> bySql = new java.util.HashMap<>();
        for (List<@Nullable String> row : TestDatabase.rows(
                alice,
                "SELECT id, node_type, query, result_name, left_node, right_node FROM df.nodes WHERE instance_id = ?",
                id)) {
            bySql.put(String.valueOf(row.get(0)), fields(row.get(1), row.get(2), row.get(3), row.get(4), row.get(5)));
        }
        Map<String, List<Object>> byJava = rows.stream()
                .collect(Collectors.toMap(
                        NodeRow::id,
                        row -> fields(row.nodeType(), row.query(), row.resultName(), row.leftNode(), row.rightNode())));
        assertThat(byJava).isEqualTo(bySql).hasSize(rows.size());
        assertThat(rows.get(0).id()).isEqualTo(instance.get(0));
    }

    /** A configuration is the same in whatever order its members come. */
    private static List<Object> fields(
            @Nullable String type,
            @Nullable String query,
            @Nullable String name,
            @Nullable String left,
            @Nullable String right) {
        Object config = String.valueOf(query);
        if (left != null && query != null) {
            try {
                config = JSON.readTree(query);
            } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
                throw new IllegalStateException(e);
            }
        }
        return List.of(String.valueOf(type), config, String.valueOf(name), String.valueOf(left), String.valueOf(right));
    }

    private static ObjectNode node(Random random, int depth) {
        ObjectNode node = JSON.createObjectNode();
        switch (depth == 0 ? 0 : random.nextInt(9)) {
            case 1, 2 -> pair(node, random, depth, "THEN");
            case 3 -> pair(node, random, depth, "RACE");
            case 4 -> {
                pair(node, random, depth, "JOIN");
                if (random.nextBoolean()) {
                    for (int i = random.nextInt(3); i >= 0; i--) {
                        node.withArray("extra_nodes").add(node(random, depth - 1));
                    }
                }
            }
            case 5 -> {
                pair(node, random, depth, "IF");
                if (random.nextInt(3) == 0) {
                    node.put("query", "{\"condition_type\":\"result_has_rows\",\"result_name\":\"r\"}");
                } else {
                    node.set("condition_node", node(random, depth - 1));
                }
            }
            case 6 -> {
                node.put("node_type", "LOOP").set("left_node", node(random, depth - 1));
                if (random.nextBoolean()) {
                    node.set("condition_node", node(random, depth - 1));
                }
            }
            case 7 ->
                node.put("node_type", "RETRY")
                        .put("query", "{\"max_attempts\":3}")
                        .set("left_node", node(random, depth - 1));
            case 8 -> {
                pair(node, random, depth, "TIMEOUT");
                node.put("query", "{\"within_ms\":" + (1 + random.nextInt(5000)) + "}");
                if (random.nextBoolean()) {
                    node.remove("right_node");
                }
            }
            default -> node.put("node_type", "SQL").put("query", TEXTS.get(random.nextInt(TEXTS.size())));
        }
        if (random.nextInt(3) == 0) {
            node.put("result_name", "r" + random.nextInt(3));
        }
        if (random.nextInt(12) == 0) {
            node.put("unknown", random.nextInt());
        }
        return random.nextInt(5) == 0 ? shuffled(node, random) : node;
    }

    private static void pair(ObjectNode node, Random random, int depth, String type) {
        node.put("node_type", type);
        node.set("left_node", node(random, depth - 1));
        node.set("right_node", node(random, depth - 1));
    }

    private static ObjectNode shuffled(ObjectNode node, Random random) {
        List<String> names = new ArrayList<>();
        node.fieldNames().forEachRemaining(names::add);
        java.util.Collections.shuffle(names, random);
        ObjectNode shuffled = JSON.createObjectNode();
        names.forEach(name -> shuffled.set(name, node.get(name)));
        return shuffled;
    }
}
