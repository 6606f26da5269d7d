package dev.perdure.web;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.perdure.testing.DebianServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A node that is asked for by its id is the row that it is among all nodes, and is read without what is on record of the others. */
class OneNodeTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String ROLE = "one_ann";

    /** Nodes of all types, in all states that last. */
    private static final List<String> BRANCHES = List.of(
            "'SELECT 41 AS x' |=> 'a' ~> df.sql('SELECT $1::int + 1 AS y', '$a.x')",
            "df.loop('SELECT nextval(''public.rounds'') AS n' |=> 'n' ~> df.if('SELECT $n > 3', df.break(), 'SELECT 1'))",
            "'SELECT 1 WHERE false' |=> 'none' ~> df.if_rows('none', 'SELECT 1', 'SELECT 2')",
            "df.sleep(3600) | 'SELECT 2'",
            "df.join3('SELECT 1', 'SELECT 2', 'SELECT 3')",
            "df.catch('SELECT 1 / 0', 'SELECT 2')",
            "df.catch(df.http('http://127.0.0.1:1/'), 'SELECT 2')",
            "df.catch(df.http_multipart('http://127.0.0.1:1/', parts => '[{\"name\": \"a\", \"data_b64\": \"aGVsbG8=\"}]'), 'SELECT 2')",
            "df.retry('SELECT 1 / 0', 3, '1 hour')",
            "df.timeout('SELECT 1', interval '1 hour')",
            "df.map('SELECT n FROM generate_series(1, 3) AS n', 'SELECT $item.n')",
            "df.saga(df.with_undo('SELECT 1', 'SELECT 2'))",
            "df.call('inner')",
            // One of them has the slot, the other one waits.
            "df.with_queue(df.sleep(3600), 'single')",
            "df.with_queue(df.sleep(3600), 'single')",
            "df.with_queue('SELECT 1', 'open')",
            "df.wait_for_signal('go')",
            "df.wait_for_schedule('0 0 29 2 *')",
            "df.wait_for_condition('SELECT false', '1 hour')",
            "df.wait_for_event('OTHER', 'never')",
            "df.activity('nobody')",
            "df.approval('May it?', ARRAY['" + ROLE + "'])",
            "'SELECT pg_sleep(3600)'");

    private static WebWorld world;
    private static Connection session;
    private static WebClient ann;

    @BeforeAll
    static void begin() throws SQLException {
        world = new WebWorld(ROLE);
        world.server.asSuperuser(
                world.database,
                "CREATE FUNCTION public.many(n integer) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN n = 1 THEN 'SELECT 1' ELSE"
                        + " df.seq(public.many(n / 2), public.many(n - n / 2)) END $$;"
                        + " CREATE SEQUENCE public.rounds; GRANT USAGE ON SEQUENCE public.rounds TO " + ROLE);
        world.owner("SELECT df.grant_usage('" + ROLE + "', include_http => true)");
        session = world.server
                .url(ROLE, DebianServer.password(ROLE), world.database)
                .connect();
        ann = world.loggedIn(ROLE);
        value("SELECT df.create_queue('single', concurrency => 1)");
        value("SELECT df.create_queue('open')");
        value("SELECT df.create_queue('shut'), df.pause_queue('shut')");
        value("SELECT df.define('inner', 'SELECT 5 AS five')::text");
    }

    @AfterAll
    static void end() throws SQLException {
        session.close();
        world.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"force_custom_plan", "force_generic_plan"})
    void of_the_records_of_other_nodes_none_is_looked_at(String mode) throws SQLException, JsonProcessingException {
        String id = value("SELECT df.start(public.many(320))");
        awaitStatus(id, "completed");
        String leaf = value(
                "SELECT id FROM df.nodes WHERE instance_id = '" + id + "' AND node_type = 'SQL' OFFSET 200 LIMIT 1");

        String plan;
        try (Statement statement = session.createStatement()) {
            statement.execute("SET plan_cache_mode = " + mode);
            statement.execute(
                    "PREPARE one(varchar, varchar) AS SELECT row_to_json(n) FROM df.nodes n WHERE n.instance_id = $1 AND n.id = $2");
            plan = value("EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE one('" + id + "', '" + leaf + "')");
            statement.execute("DEALLOCATE one; RESET plan_cache_mode");
        }

        // Which decision is the latest that tells of a node, the checkpoints themselves say.
        assertThat(steps(JSON.readTree(plan).at("/0/Plan"))
                        .filter(step -> !step.path("Relation Name").asText().equals("_checkpoints"))
                        .filter(step -> !step.path("Index Name").asText().equals("_checkpoints_pkey"))
                        .filter(step -> rows(step) > 1)
                        .map(step -> step.path("Node Type").asText() + " "
                                + step.path("Function Name").asText() + ": " + rows(step)))
                .as(plan)
                .isEmpty();
    }

    private static long rows(JsonNode step) {
        return Math.round(
                step.path("Actual Rows").asDouble() * step.path("Actual Loops").asDouble());
    }

    private static Stream<JsonNode> steps(JsonNode plan) {
        Stream.Builder<JsonNode> below = Stream.builder();
        plan.path("Plans").forEach(below);
        return Stream.concat(Stream.of(plan), below.build().flatMap(OneNodeTest::steps));
    }

    @Test
    void a_node_of_any_type_is_the_row_that_it_is_among_all_before_the_start_while_it_runs_and_afterwards()
            throws SQLException {
        String other = value("SELECT df.start(df.wait_for_signal('go'))");
        String all = ("(" + String.join(") & (", BRANCHES) + ")").replace("OTHER", other);
        String held = value("SELECT df.start(" + all + ", options => '{\"queue\": \"shut\"}')");
        assertAlike(held);

        String id = value("SELECT df.start(" + all + ")");
        Awaitility.await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
            assertThat(types(id, "status = 'running' AND left_node IS NULL"))
                    .contains(
                            "SIGNAL",
                            "SLEEP",
                            "WAIT_SCHEDULE",
                            "WAIT_CONDITION",
                            "WAIT_EVENT",
                            "ACTIVITY",
                            "APPROVAL",
                            "SQL");
            assertThat(types(id, "status = 'completed'"))
                    .contains(
                            "LOOP",
                            "RACE",
                            "CATCH",
                            "TIMEOUT",
                            "MAP",
                            "SAGA",
                            "WITH_UNDO",
                            "CALL",
                            "WITH_QUEUE",
                            "IF",
                            "THEN",
                            "BREAK");
            assertThat(types(id, "status_details ? 'waits'")).contains("WITH_QUEUE");
            assertThat(types(id, "error IS NOT NULL")).contains("RETRY", "HTTP", "HTTP_MULTIPART");
        });
        assertThat(types(id, "true")).hasSize(24);
        assertAlike(id);

        value("SELECT df.cancel('" + id + "', 'enough')");
        awaitStatus(id, "cancelled");
        Awaitility.await().untilAsserted(() -> assertThat(types(id, "status_details ? 'canceled'"))
                .contains("SIGNAL"));
        assertAlike(id);
        value("SELECT df.cancel('" + held + "', 'enough'), df.cancel('" + other + "', 'enough')");
    }

    @Test
    void a_node_that_is_written_by_hand_is_the_row_that_it_is_among_all() throws SQLException {
        try (Statement statement = session.createStatement()) {
            statement.execute(
                    "BEGIN; INSERT INTO df.instances (id, root_node, submitted_by) VALUES ('0d0d0d0d', '0000000a', '"
                            + ROLE
                            + "'); INSERT INTO df.nodes (id, instance_id, node_type, query, result_name, left_node, right_node, submitted_by) VALUES"
                            + " ('0000000a', '0d0d0d0d', 'THEN', NULL, NULL, '0000000b', '0000000c', '" + ROLE + "'),"
                            + " ('0000000b', '0d0d0d0d', 'SQL', 'SELECT 7 AS seven', 'r', NULL, NULL, '" + ROLE + "'),"
                            + " ('0000000c', '0d0d0d0d', 'SQL', 'SELECT $r', NULL, NULL, NULL, '" + ROLE
                            + "'); COMMIT");
        }
        awaitStatus("0d0d0d0d", "completed");
        assertAlike("0d0d0d0d");
    }

    /** In one snapshot, and as the API tells it. */
    private static void assertAlike(String id) throws SQLException {
        session.setAutoCommit(false);
        session.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        try {
            List<List<@Nullable String>> all = TestDatabase.rows(
                    session, "SELECT n.id, row_to_json(n) FROM df.nodes n WHERE n.instance_id = ?", id);
            assertThat(all).isNotEmpty();
            for (List<@Nullable String> row : all) {
                assertThat(TestDatabase.rows(
                                session,
                                "SELECT n.id, row_to_json(n) FROM df.nodes n WHERE n.instance_id = ? AND n.id = ?",
                                id,
                                String.valueOf(row.get(0))))
                        .containsExactly(row);
            }
        } finally {
            session.commit();
            session.setAutoCommit(true);
        }
        Awaitility.await().atMost(Duration.ofSeconds(10)).untilAsserted(() -> {
            for (List<@Nullable String> row : TestDatabase.rows(
                    session, "SELECT row_to_json(n), n.result::text FROM df.nodes n WHERE n.instance_id = ?", id)) {
                assertTold(id, JSON.readTree(String.valueOf(row.get(0))), row.get(1));
            }
        });
    }

    private static void assertTold(String id, JsonNode row, @Nullable String result) {
        String path = "/instances/" + id + "/nodes/" + row.path("id").asText();
        JsonNode told = ann.get(path).body();
        assertThat(told.path("type")).isEqualTo(row.path("node_type"));
        assertThat(told.path("name")).isEqualTo(row.path("result_name"));
        assertThat(told.path("details")).isEqualTo(row.path("status_details"));
        assertThat(told.path("result").textValue()).isEqualTo(result);
        for (String same :
                List.of("id", "status", "attempt", "query", "executed_query", "params", "error", "result_columns")) {
            assertThat(told.path(same)).as(same).isEqualTo(row.path(same));
        }
        WebClient.Answer whole = ann.get(path + "/result");
        assertThat(whole.status()).isEqualTo(result == null ? 404 : 200);
        if (result != null) {
            assertThat(whole.text()).isEqualTo(result);
        }
    }

    private static TreeSet<String> types(String id, String condition) throws SQLException {
        TreeSet<String> types = new TreeSet<>();
        TestDatabase.rows(
                        session,
                        "SELECT DISTINCT node_type FROM df.nodes WHERE instance_id = '" + id + "' AND " + condition)
                .forEach(row -> types.add(String.valueOf(row.get(0))));
        return types;
    }

    private static void awaitStatus(String id, String status) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .until(() -> value("SELECT status FROM df.instances WHERE id = '" + id + "'"), status::equals);
    }

    private static String value(String sql) throws SQLException {
        return String.valueOf(TestDatabase.rows(session, sql).get(0).get(0));
    }
}
