package dev.perdure.web;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.testing.DebianServer;
import dev.perdure.web.WebClient.Answer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the API answers: the df functions, in a session of the caller. */
class ApiTest {

    private static WebWorld world;
    private static WebClient ann;

    @BeforeAll
    static void begin() {
        world = new WebWorld("api_ann", "api_bob");
        ann = world.loggedIn("api_ann");
    }

    @AfterAll
    static void end() {
        world.close();
    }

    private static String start(WebClient who, String workflow, String label) {
        Answer answer = who.post("/instances", "{\"workflow\":\"" + workflow + "\",\"label\":\"" + label + "\"}");
        assertThat(answer.status()).as(answer.text()).isEqualTo(200);
        return answer.body().path("id").asText();
    }

    private static JsonNode await(WebClient who, String id, String status) {
        Awaitility.await(id + " is " + status).until(() -> who.get("/instances/" + id)
                .body()
                .path("status")
                .asText()
                .equals(status));
        return who.get("/instances/" + id).body();
    }

    private static JsonNode node(JsonNode instance, String type) {
        for (JsonNode node : instance.path("nodes")) {
            if (node.path("type").asText().equals(type)) {
                return node;
            }
        }
        throw new AssertionError("no " + type + " in " + instance);
    }

    private static JsonNode byId(JsonNode instance, String id) {
        for (JsonNode node : instance.path("nodes")) {
            if (node.path("id").asText().equals(id)) {
                return node;
            }
        }
        throw new AssertionError("no node " + id + " in " + instance);
    }

    @Test
    void an_expression_is_started_and_read_with_all_its_nodes() {
        String id = start(ann, "'SELECT 41 + 1 AS x' |=> 'a' ~> 'SELECT $a + 1 AS y'", "adding");

        JsonNode instance = await(ann, id, "completed");

        assertThat(instance.path("label").asText()).isEqualTo("adding");
        assertThat(instance.path("submitted_by").asText()).isEqualTo("api_ann");
        JsonNode root = node(instance, "THEN");
        assertThat(root.path("id")).isEqualTo(instance.path("root"));
        JsonNode first = byId(instance, root.path("left").asText());
        assertThat(first.path("mark").asText()).isEqualTo("completed");
        assertThat(first.path("result").asText()).contains("42");

        Answer alone =
                ann.get("/instances/" + id + "/nodes/" + root.path("right").asText());
        assertThat(alone.body().path("executed_query").asText()).contains("+ 1 AS y");
        assertThat(alone.body().path("query").asText()).isEqualTo("SELECT $a + 1 AS y");
        Answer result =
                ann.get("/instances/" + id + "/nodes/" + root.path("right").asText() + "/result");
        assertThat(result.body().path("rows").get(0).toString()).contains("43");
    }

    @Test
    void a_failure_says_where_and_in_the_words_of_the_server_and_a_fork_with_another_statement_completes() {
        String id = start(ann, "'SELECT 1 AS x' |=> 'a' ~> 'SELECT 1 / ($a - 1)'", "division");

        JsonNode instance = await(ann, id, "failed");

        assertThat(instance.path("ended_at").asText()).isNotEmpty();
        assertThat(ann.get("/instances?label=division&ended_after=2001-01-01T00:00:00Z")
                        .body()
                        .path("instances"))
                .isNotEmpty();
        String failed = instance.path("failed_at").asText();
        JsonNode node = ann.get("/instances/" + id + "/nodes/" + failed).body();
        assertThat(node.path("error").asText()).contains("division by zero");
        assertThat(node.path("details").path("code").asText()).isEqualTo("22012");

        Answer fork =
                ann.post("/instances/" + id + "/fork", "{\"replace\":{\"" + failed + "\":\"SELECT 7 AS seven\"}}");
        assertThat(fork.status()).as(fork.text()).isEqualTo(200);
        JsonNode forked = await(ann, fork.body().path("id").asText(), "completed");
        assertThat(forked.path("forked_from").asText()).isEqualTo(id);
        assertThat(forked.path("output").asText()).contains("7");

        Answer again = ann.post("/instances/" + id + "/redrive", "{}");
        assertThat(again.body().path("id").asText()).isEqualTo(id);
    }

    @Test
    void a_wait_is_signalled_and_another_is_cancelled() {
        String waits = start(ann, "df.wait_for_signal('go')", "waits");
        String other = start(ann, "df.wait_for_signal('go')", "waits");

        assertThat(ann.post("/instances/" + waits + "/signal", "{\"name\":\"go\",\"data\":{\"by\":\"ann\"}}")
                        .status())
                .isEqualTo(200);
        assertThat(await(ann, waits, "completed").path("output").asText()).contains("ann");
        assertThat(ann.post("/instances/" + other + "/cancel", "{\"reason\":\"not now\"}")
                        .status())
                .isEqualTo(200);
        assertThat(await(ann, other, "cancelled").path("output").asText()).contains("not now");
    }

    @Test
    void items_of_a_map_come_page_by_page() {
        String id = start(ann, "df.map('SELECT g AS n FROM generate_series(1, 5) g', 'SELECT $item.n * 2')", "map");
        JsonNode instance = await(ann, id, "completed");
        String map = node(instance, "MAP").path("id").asText();

        Answer first = ann.get("/instances/" + id + "/items?node=" + map + "&limit=3");
        Answer rest = ann.get("/instances/" + id + "/items?node=" + map + "&limit=3&after="
                + first.body().path("next").asText());

        assertThat(first.body().path("items")).as(first.text()).hasSize(3);
        assertThat(rest.body().path("items")).hasSize(2);
        assertThat(rest.body().path("next").isNull()).isTrue();
        assertThat(rest.body().path("items").get(1).path("status").asText()).isEqualTo("completed");
        assertThat(node(instance, "MAP").path("progress").toString())
                .isEqualTo("{\"total\":5,\"completed\":5,\"failed\":0}");
    }

    @Test
    void a_saga_that_undoes_what_it_has_done_says_so() {
        String id = start(
                ann,
                "df.saga(df.with_undo('SELECT 1', df.retry('SELECT 2 / 0', 4, '1 second', 1)) ~> 'SELECT 1 / 0')",
                "undoing");

        Awaitility.await()
                .untilAsserted(() -> assertThat(node(ann.get("/instances/" + id).body(), "SAGA")
                                .path("mark")
                                .asText())
                        .isEqualTo("compensating"));
        JsonNode ended = await(ann, id, "failed");
        assertThat(node(ended, "SAGA").path("mark").asText()).isEqualTo("failed");
        assertThat(ended.path("output").asText()).contains("was given up");
    }

    @Test
    void pages_go_on_where_the_one_before_ended_and_filters_hold() {
        List<String> started = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            started.add(0, start(ann, "SELECT " + i, "page"));
        }
        started.forEach(id -> await(ann, id, "completed"));

        List<String> seen = new ArrayList<>();
        String cursor = "";
        do {
            JsonNode page = ann.get("/instances?label=page&limit=2" + cursor).body();
            page.path("instances").forEach(each -> seen.add(each.path("id").asText()));
            cursor = page.path("next").isNull()
                    ? ""
                    : "&cursor=" + page.path("next").asText();
        } while (!cursor.isEmpty());

        assertThat(seen).isEqualTo(started);
        assertThat(ann.get("/instances?label=page&status=failed,cancelled")
                        .body()
                        .path("instances"))
                .isEmpty();
        assertThat(ann.get("/instances?text=pAgE&status=completed").body().path("instances"))
                .hasSize(5);
        assertThat(ann.get("/instances?label=page&started_before=2001-01-01T00:00:00Z")
                        .body()
                        .path("instances"))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "/instances?status=odd | 400",
                "/instances?cursor=odd | 400",
                "/instances?cursor=MjAyNi0wMS0wMSAwMDowMDowMHwnOyBTRUxFQ1QgMQ | 400",
                "/instances?limit=0 | 400",
                "/instances?limit=1e9 | 400",
                "/instances?started_after=yesterday | 400",
                "/instances?nosuch=1 | 400",
                "/instances?label=%00 | 400",
                "/instances/xyz | 404",
                "/instances/00000000 | 404",
                "/instances/00000000/nodes/00000000 | 404",
                "/instances/00000000/items | 400",
                "/nothing | 404"
            })
    void what_cannot_be_asked_is_refused(String path, int status) {
        Answer answer = ann.get(path);

        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        assertThat(answer.response().headers().firstValue("Content-Type")).hasValue("application/problem+json");
    }

    @Test
    void an_error_of_postgresql_comes_whole() {
        Answer answer = ann.post("/instances", "{\"workflow\":\"df.sleep(-1)\"}");
        Answer syntax = ann.post("/explain", "{\"workflow\":\"df.nosuch('x')\"}");
        Answer odd = ann.post("/instances", "{\"workflow\":\"\"}");

        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.body().path("sqlstate").asText()).isNotEmpty();
        assertThat(syntax.body().path("sqlstate").asText()).isEqualTo("42883");
        assertThat(syntax.body().path("hint").asText()).isNotEmpty();
        assertThat(odd.status()).isEqualTo(400);
    }

    @Test
    void a_workflow_is_drawn_without_being_started() {
        Answer drawn = ann.post("/explain", "{\"workflow\":\"df.start('SELECT 1') ~> 'SELECT 2'\"}");
        Answer good = ann.post("/explain", "{\"workflow\":\"'SELECT 1' & 'SELECT 2'\"}");
        Answer statement = ann.post("/explain", "{\"workflow\":\"SELECT 5\"}");

        assertThat(drawn.status()).as(drawn.text()).isNotEqualTo(500);
        assertThat(good.body().path("text").asText()).contains("JOIN");
        assertThat(good.body().path("nodes")).hasSize(3);
        assertThat(statement.body().path("nodes").get(0).path("type").asText()).isEqualTo("SQL");
    }

    @Test
    void instances_are_found_by_what_find_instances_knows() {
        String id = ann.post(
                        "/instances",
                        "{\"workflow\":\"SELECT 1 / 0\",\"label\":\"found\",\"options\":{\"attributes\":{\"customer\":7}}}")
                .body()
                .path("id")
                .asText();
        await(ann, id, "failed");

        for (String filter : List.of(
                "attributes=%7B%22customer%22:7%7D",
                "label=found",
                "error=DIVISION&label=found",
                "text=customer",
                "role=api_ann&label=found",
                "status=failed&label=found&text=zero")) {
            JsonNode found = ann.get("/instances?" + filter).body().path("instances");
            assertThat(found).as(filter).hasSize(1);
            assertThat(found.get(0).path("id").asText()).as(filter).isEqualTo(id);
        }
        for (String filter :
                List.of("attributes=%7B%22customer%22:8%7D", "definition=nosuch", "queue=nosuch", "schedule=nosuch")) {
            assertThat(ann.get("/instances?" + filter).body().path("instances"))
                    .as(filter)
                    .isEmpty();
        }
    }

    @Test
    void a_search_ends_its_page_where_the_next_one_begins() {
        for (int i = 0; i < 3; i++) {
            await(ann, start(ann, "SELECT " + i, "searched-for " + i), "completed");
        }

        JsonNode first = ann.get("/instances?text=searched-for&limit=2").body();
        JsonNode rest = ann.get("/instances?text=searched-for&limit=2&cursor="
                        + first.path("next").asText())
                .body();

        assertThat(first.path("instances")).hasSize(2);
        assertThat(rest.path("instances")).hasSize(1);
        assertThat(rest.path("instances").get(0).path("label").asText()).isEqualTo("searched-for 0");
        assertThat(rest.path("next").isNull()).isTrue();
    }

    @Test
    void all_that_a_filter_finds_are_signalled_cancelled_and_redriven() {
        String one = start(ann, "df.wait_for_signal('go')", "many");
        String two = start(ann, "df.wait_for_signal('go')", "many");
        String failed = start(ann, "SELECT 1 / 0", "many failed");
        await(ann, failed, "failed");

        Answer tooMany = ann.post("/instances/cancel", "{\"filter\":{\"label\":\"many\"},\"most\":1}");
        assertThat(tooMany.status()).isEqualTo(422);
        assertThat(tooMany.body().path("sqlstate").asText()).isEqualTo("54000");
        Answer signalled = ann.post(
                "/instances/signal", "{\"filter\":{\"ids\":[\"" + one + "\"]},\"name\":\"go\",\"data\":{\"ok\":true}}");
        assertThat(signalled.body().path("done").asInt()).as(signalled.text()).isEqualTo(1);
        await(ann, one, "completed");
        Answer cancelled =
                ann.post("/instances/cancel", "{\"filter\":{\"label\":\"many\"},\"reason\":\"all of them\"}");
        assertThat(cancelled.body().path("done").asInt()).as(cancelled.text()).isEqualTo(1);
        assertThat(await(ann, two, "cancelled").path("output").asText()).contains("all of them");
        Answer redriven = ann.post("/instances/redrive", "{\"filter\":{\"label\":\"many failed\"}}");
        assertThat(redriven.body().path("done").asInt()).as(redriven.text()).isEqualTo(1);
        assertThat(ann.post("/instances/cancel", "{\"filter\":{}, \"reason\":\"x\", \"odd\":1}")
                        .status())
                .isEqualTo(400);
        assertThat(ann.post("/instances/cancel", "{\"reason\":\"x\"}").status()).isEqualTo(400);
    }

    @Test
    void a_schedule_is_paused_triggered_and_resumed() {
        world.sql("api_ann", "SELECT df.create_schedule('nightly / \"1\"', '0 3 * * *', 'SELECT 1')");
        String name = "nightly%20%2F%20%221%22";

        assertThat(ann.post("/schedules/" + name + "/pause", "{\"reason\":\"holidays\"}")
                        .status())
                .isEqualTo(200);
        JsonNode paused = ann.get("/schedules").body().path("schedules").get(0);
        assertThat(paused.path("name").asText()).isEqualTo("nightly / \"1\"");
        assertThat(paused.path("paused").asBoolean()).isTrue();
        assertThat(paused.path("pause_reason").asText()).isEqualTo("holidays");
        Answer triggered = ann.post("/schedules/" + name + "/trigger", "{}");
        String run = triggered.body().path("id").asText();
        await(ann, run, "completed");
        assertThat(ann.get("/schedules/" + name + "/runs")
                        .body()
                        .path("runs")
                        .get(0)
                        .path("instance")
                        .asText())
                .isEqualTo(run);
        assertThat(ann.get("/instances?schedule=" + name).body().path("instances"))
                .hasSize(1);
        assertThat(ann.post("/schedules/" + name + "/resume", "{}").status()).isEqualTo(200);
        assertThat(ann.get("/schedules")
                        .body()
                        .path("schedules")
                        .get(0)
                        .path("next_at")
                        .isNull())
                .isFalse();
        Answer filled = ann.post(
                "/schedules/" + name + "/backfill",
                "{\"from\":\"2026-01-01T00:00:00Z\",\"to\":\"2026-01-03T00:00:00Z\"}");
        assertThat(filled.body().path("started").asInt()).as(filled.text()).isEqualTo(2);

        assertThat(world.loggedIn("api_bob").get("/schedules").body().path("schedules"))
                .isEmpty();
        assertThat(ann.post("/schedules/nosuch/pause", "{}").status()).isEqualTo(422);
    }

    @Test
    void an_instance_that_is_set_aside_says_so() {
        String id = world.sql("api_ann", "SELECT df.start(df.sleep(3600))");
        assertThat(ann.get("/instances/" + id).body().path("set_aside").isNull())
                .isTrue();
        DebianServer.execute(
                world.server.worker(world.database),
                "INSERT INTO df._tries (instance_id, version, epoch, tries, set_aside_at) VALUES ('" + id
                        + "', 0, 1, 3, now())");

        JsonNode aside = ann.get("/instances/" + id).body().path("set_aside");
        assertThat(aside.path("reason").asText()).startsWith("3 workers in succession ended");
        assertThat(aside.path("since").asText()).startsWith("20");
    }

    @Test
    void a_queue_is_paused_and_what_waits_in_it_says_so() {
        world.sql("api_ann", "SELECT df.create_queue('mail', concurrency => 1)");
        assertThat(ann.post("/queues/mail/pause", "{}").status()).isEqualTo(200);
        String id = ann.post("/instances", "{\"workflow\":\"SELECT 1\",\"options\":{\"queue\":\"mail\"}}")
                .body()
                .path("id")
                .asText();

        JsonNode instance = ann.get("/instances/" + id).body();
        assertThat(instance.path("held").asText()).contains("for a slot of queue mail, which is paused");
        JsonNode queue = ann.get("/queues").body().path("queues").get(0);
        assertThat(queue.path("paused").asBoolean()).isTrue();
        assertThat(queue.path("waiting").asInt()).isEqualTo(1);
        assertThat(queue.path("mine").asBoolean()).isTrue();
        assertThat(ann.post("/queues/mail/resume", "{}").status()).isEqualTo(200);
        await(ann, id, "completed");
        assertThat(ann.get("/instances?queue=mail").body().path("instances")).hasSize(1);
        assertThat(world.loggedIn("api_bob").post("/queues/mail/pause", "{}").status())
                .isBetween(400, 499);
    }

    @Test
    void a_definition_is_drawn_and_started_with_arguments() {
        world.sql(
                "api_ann",
                "SELECT df.define('greet', df.sql('SELECT $1::text AS hello', '{who}'), '{\"who\": {\"type\": \"text\", \"required\": true}}', 'Says hello')");

        JsonNode definition = ann.get("/definitions").body().path("definitions").get(0);
        assertThat(definition.path("name").asText()).isEqualTo("greet");
        assertThat(definition.path("params").path("who").path("type").asText()).isEqualTo("text");
        JsonNode version = ann.get("/definitions/greet").body().path("versions").get(0);
        assertThat(version.path("nodes").get(0).path("type").asText()).isEqualTo("SQL");
        Answer started = ann.post("/instances", "{\"definition\":\"greet\",\"args\":{\"who\":\"O'Brien\"}}");
        JsonNode instance = await(ann, started.body().path("id").asText(), "completed");
        assertThat(instance.path("output").asText()).contains("O'Brien");
        String child = node(instance, "CALL").path("child").asText();
        assertThat(ann.get("/instances/" + child).body().path("parent")).isEqualTo(instance.path("id"));
        assertThat(ann.post("/instances", "{\"definition\":\"greet\",\"workflow\":\"SELECT 1\"}")
                        .status())
                .isEqualTo(400);
    }

    @Test
    void the_statement_that_an_instance_was_started_with_starts_another() {
        String id = ann.post(
                        "/instances",
                        "{\"workflow\":\"'SELECT {n}::int AS n' |=> 'a' ~> 'SELECT $a * 2 AS twice'\",\"label\":\"O'Brien\",\"options\":{\"vars\":{\"n\":21}}}")
                .body()
                .path("id")
                .asText();
        await(ann, id, "completed");

        String sql = ann.get("/instances/" + id + "/sql").body().path("sql").asText();
        String other = world.sql("api_ann", sql.replaceAll(";$", ""));

        JsonNode again = await(ann, other, "completed");
        assertThat(again.path("output").asText()).contains("42");
        assertThat(again.path("label").asText()).isEqualTo("O'Brien");
    }

    @Test
    void the_summary_counts_and_the_worker_says_who_leads() {
        await(ann, start(ann, "SELECT 1 / 0", "counted"), "failed");

        JsonNode summary = ann.get("/summary?minutes=60").body();
        JsonNode worker = ann.get("/worker").body().path("cluster");

        assertThat(summary.path("failed").asInt()).isPositive();
        assertThat(summary.path("bars")).isNotEmpty();
        assertThat(worker.path("works").asBoolean()).isTrue();
        assertThat(worker.path("leads_since").asText()).isNotEmpty();
        assertThat(worker.path("sessions").toString())
                .contains("perdure-leader")
                .contains("perdure-web");
        assertThat(worker.path("workers").asInt()).isEqualTo(1);
        assertThat(ann.get("/summary?minutes=1").status()).isEqualTo(400);
    }

    @Test
    void with_a_password_in_each_request_no_cookie_is_needed() {
        WebClient bob = world.client().withPassword("api_bob", DebianServer.password("api_bob"));

        String id = start(bob, "SELECT 1", "bob's");

        assertThat(await(bob, id, "completed").path("submitted_by").asText()).isEqualTo("api_bob");
        assertThat(bob.get("/worker").body().path("version").asText()).isNotEmpty();
    }

    @Test
    void more_people_than_there_are_sessions_are_all_answered() {
        for (int i = 0; i < 15; i++) {
            Answer answer = world.loggedIn("api_bob").get("/worker");
            assertThat(answer.status()).as(answer.text()).isEqualTo(200);
        }
    }

    @Test
    void nothing_is_changed_where_it_is_for_reading_only() {
        WebClient reader = new WebClient(world.readOnlyPort);
        reader.login("api_ann", DebianServer.password("api_ann"));

        assertThat(reader.get("/instances").status()).isEqualTo(200);
        assertThat(reader.post("/instances", "{\"workflow\":\"SELECT 1\"}").status())
                .isEqualTo(403);
        assertThat(reader.post("/explain", "{\"workflow\":\"SELECT 1\"}").status())
                .isEqualTo(403);
        for (String path : List.of(
                "/schedules/x/pause",
                "/schedules/x/trigger",
                "/queues/x/resume",
                "/instances/cancel",
                "/instances/redrive")) {
            assertThat(reader.post(path, "{}").status()).as(path).isEqualTo(403);
        }
    }

    @Test
    void the_description_names_each_endpoint() {
        JsonNode paths = world.client().get("/openapi.json").body().path("paths");
        List<String> names = new ArrayList<>();
        paths.fieldNames().forEachRemaining(names::add);

        assertThat(Set.copyOf(names))
                .contains("/instances", "/instances/{id}", "/instances/{id}/fork", "/explain", "/worker");
        assertThat(paths.path("/instances").path("get").path("parameters")).hasSizeGreaterThan(5);
    }
}
