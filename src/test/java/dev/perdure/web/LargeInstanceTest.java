package dev.perdure.web;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** An instance of many nodes is told without df.explain, and as df.explain would have it. */
class LargeInstanceTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String ROLE = "large_ann";

    private static WebWorld world;

    @BeforeAll
    static void begin() {
        world = new WebWorld(ROLE);
        world.server.asSuperuser(
                world.database,
                "CREATE FUNCTION public.many(n integer) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN n = 1 THEN 'SELECT 1' ELSE"
                        + " df.seq(public.many(n / 2), public.many(n - n / 2)) END $$");
    }

    @AfterAll
    static void end() {
        world.close();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "'SELECT 1' | completed | ",
                "'SELECT 1 / 0' | failed | ",
                "'SELECT 1' ~> ('SELECT 2' & 'SELECT 1 / 0') | failed | ",
                "'SELECT 1' ~> ('SELECT 2' & 'SELECT 1 / 0' & df.sleep(3600)) | running | SLEEP",
                "df.wait_for_signal('go') | running | SIGNAL",
                "'SELECT 1' & df.wait_for_signal('go') & 'SELECT 2' | running | SIGNAL",
                "\"df.sleep(3600) | 'SELECT 2'\" | completed | ",
                "df.retry('SELECT 1 / 0', 3, '1 hour') | running | RETRY",
                "df.catch('SELECT 1 / 0', 'SELECT 2') | completed | ",
                "df.map('SELECT n FROM generate_series(1, 3) n', df.if('SELECT $item.n > 1', df.sleep(3600), 'SELECT 1')) | running | MAP",
                "df.timeout(df.wait_for_signal('go'), interval '1 hour') | running | SIGNAL"
            })
    void marks_are_those_of_explain(String shape, String status, String waits) throws JsonProcessingException {
        WebClient ann = world.loggedIn(ROLE);
        String workflow = "(" + shape + ") ~> df.if('SELECT false', many(320), 'SELECT 0')";
        WebClient.Answer started = ann.post(
                "/instances", JSON.createObjectNode().put("workflow", workflow).toString());
        String id = started.body().path("id").asText();
        assertThat(started.status()).as(started.text()).isEqualTo(200);

        Awaitility.await().untilAsserted(() -> {
            JsonNode large = ann.get("/instances/" + id).body();
            assertThat(large.path("status").asText()).isEqualTo(status);
            if (waits != null) {
                assertThat(large.path("nodes"))
                        .anyMatch(node -> node.path("type").asText().equals(waits)
                                && node.path("mark").asText().equals("running"));
            }
            ObjectNode marks = JSON.createObjectNode();
            ObjectNode below = JSON.createObjectNode();
            for (JsonNode node : large.path("nodes")) {
                if (node.hasNonNull("mark")) {
                    marks.set(node.path("id").asText(), node.path("mark"));
                }
                below.put(
                        node.path("id").asText(),
                        node.path("left").asText("null") + " "
                                + node.path("right").asText("null") + " "
                                + node.path("condition").asText("null"));
            }
            assertThat(marks).isEqualTo(explained(id, "x.markers"));
            assertThat(below)
                    .isEqualTo(explained(
                            id,
                            "(SELECT json_object_agg(n.key, concat_ws(' ', coalesce(n.value ->> 'l', 'null'), coalesce(n.value ->> 'r', 'null'),"
                                    + " coalesce(n.value ->> 'c', 'null'))) FROM jsonb_each(x.explained) AS n)"));
            assertThat(large.path("failed_at").isNull()).isEqualTo(!status.equals("failed"));
            assertThat(large.path("root").asText())
                    .isEqualTo(large.at("/nodes/0/id").asText());
        });
        ann.post("/instances/" + id + "/cancel", "{}");
    }

    private static JsonNode explained(String id, String what) throws JsonProcessingException {
        return JSON.readTree(world.sql(
                ROLE,
                "SELECT " + what
                        + "::text FROM df.instances i, LATERAL df._explained(i.id, i.root_node, df._nodes_document(i.id),"
                        + " i.status IN ('completed', 'failed', 'cancelled') AND i.output IS NOT NULL) AS x WHERE i.id = '"
                        + id + "'"));
    }
}
