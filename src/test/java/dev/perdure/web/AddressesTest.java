package dev.perdure.web;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.flow.template.Addresses;
import dev.perdure.store.Address;
import dev.perdure.store.AddressKey;
import dev.perdure.testing.DebianServer;
import dev.perdure.web.WebClient.Answer;
import dev.perdure.web.answer.AnswerDesk.Outcome;
import java.net.http.HttpClient;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Addresses that steps hand out: whoever has one answers the workflow, once, and nobody else does. */
class AddressesTest {

    private static final String PREFIX = WebWorld.PUBLIC_URL + "/api/v1";

    private static WebWorld world;

    @BeforeAll
    static void begin() {
        world = new WebWorld("ad_ann", "ad_ben", "ad_cat");
    }

    @AfterAll
    static void end() {
        world.close();
    }

    /** Hands out an address by the result of a step, and waits. */
    private static String asking(String name) {
        return "'SELECT ''{sys_signal_url:" + name + "}'' AS url' ~> (df.wait_for_signal('" + name
                + "') |=> 's') ~> 'SELECT $s.data AS said'";
    }

    private static String start(String role, String workflow) {
        return world.sql(role, "SELECT df.start(" + workflow + ")");
    }

    /** The path below the API of the address that a step of the instance has handed out last. */
    private static String handedOut(String role, String instance) {
        return Awaitility.await("an address")
                .until(
                        () -> path(world.sql(
                                role,
                                "SELECT coalesce((SELECT substring(n.executed_query from '" + PREFIX
                                        + "/answers/[A-Za-z0-9._-]+') FROM df.nodes n WHERE n.instance_id = '"
                                        + instance
                                        + "' AND n.status = 'completed' AND n.executed_query LIKE '%/answers/%'"
                                        + " ORDER BY n.updated_at DESC LIMIT 1), '')")),
                        found -> !found.isEmpty());
    }

    private static String path(String address) {
        return address.isEmpty() ? "" : address.substring(PREFIX.length());
    }

    private static void await(String role, String instance, String status) {
        Awaitility.await(instance + " is " + status).until(() -> world.sql(role, "SELECT df.status('" + instance + "')")
                .equals(status));
    }

    private static String said(String role, String instance) {
        await(role, instance, "completed");
        return world.sql(role, "SELECT df.result('" + instance + "')::jsonb -> 'rows' -> 0 ->> 'said'");
    }

    private static String owner(String sql) {
        return world.owner(sql);
    }

    private static long signals(String instance) {
        return Long.parseLong(owner("SELECT count(*) FROM df.signals WHERE instance_id = '" + instance + "'"));
    }

    private static Answer post(String path, String type, String body) {
        return world.client().with("Content-Type", type).post(path, body);
    }

    private static Answer post(String path) {
        return post(path, "application/json", "{}");
    }

    // ---- what an address does

    @Test
    void an_address_sends_its_signal_without_a_login_and_once() {
        String instance = start("ad_ann", asking("ship it"));
        String path = handedOut("ad_ann", instance);
        long done = world.answers(Outcome.DONE);
        long repeated = world.answers(Outcome.ALREADY_DONE);

        Answer first = post(path, "application/json", "{\"parcels\": [1, 2]}");
        assertThat(first.status()).as(first.text()).isEqualTo(200);
        assertThat(first.body().path("answer").asText()).isEqualTo("done");
        assertThat(said("ad_ann", instance)).isEqualTo("{\"parcels\":[1,2]}");

        Answer again = post(path, "application/json", "{\"parcels\": []}");
        assertThat(again.status())
                .as("who sends it again need not know that it arrived")
                .isEqualTo(200);
        assertThat(again.body().path("answer").asText()).isEqualTo("already done");
        assertThat(signals(instance)).isEqualTo(1);
        assertThat(world.answers(Outcome.DONE) - done).isEqualTo(1);
        assertThat(world.answers(Outcome.ALREADY_DONE) - repeated).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "application/json | [1,null] | [1,null]",
                "application/vnd.github+json; charset=utf-8 | \"yes\" | yes",
                "application/x-www-form-urlencoded | a=1&b=x+%C3%A9&b=y | {\"a\":\"1\",\"b\":[\"x é\",\"y\"]}",
                "text/plain; charset=utf-8 | it's fine | it's fine",
                "application/json | '' | {}",
                "application/x-www-form-urlencoded | '' | {}"
            })
    void the_body_is_the_data_of_the_signal(String type, String body, String data) {
        String instance = start("ad_ann", asking("go"));
        Answer answer = post(handedOut("ad_ann", instance), type, body);
        assertThat(answer.status()).as(answer.text()).isEqualTo(200);
        assertThat(said("ad_ann", instance)).isEqualTo(data);
    }

    @ParameterizedTest
    @CsvSource({
        "application/json, {, 400",
        "application/json, {} {}, 400",
        "application/x-www-form-urlencoded, a=%zz, 400",
        "application/octet-stream, x, 415",
        "multipart/form-data, x, 415",
        "application/json, \"\\u0000\", 422"
    })
    void a_body_that_is_no_data_is_refused_and_the_address_still_works(String type, String body, int status) {
        String instance = start("ad_ann", asking("go"));
        String path = handedOut("ad_ann", instance);
        assertThat(post(path, type, body).status()).isEqualTo(status);
        assertThat(signals(instance)).isZero();
        assertThat(post(path).status()).isEqualTo(200);
    }

    @Test
    void a_body_of_more_than_a_megabyte_is_refused_and_the_address_still_works() {
        String instance = start("ad_ann", asking("go"));
        String path = handedOut("ad_ann", instance);
        Answer large = post(path, "text/plain", "x".repeat((1 << 20) + 1));
        assertThat(large.status()).isEqualTo(413);
        assertThat(post(path, "text/plain", "x".repeat(1_000_000)).status()).isEqualTo(200);
    }

    @Test
    void many_at_once_send_one_signal() throws InterruptedException, ExecutionException {
        String instance = start("ad_ann", asking("go"));
        String path = handedOut("ad_ann", instance);
        ExecutorService crowd = Executors.newFixedThreadPool(16);
        try {
            List<Callable<Answer>> calls = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                String body = "{\"n\": " + i + "}";
                calls.add(() -> post(path, "application/json", body));
            }
            List<String> answers = new ArrayList<>();
            for (Future<Answer> answer : crowd.invokeAll(calls)) {
                assertThat(answer.get().status()).as(answer.get().text()).isEqualTo(200);
                answers.add(answer.get().body().path("answer").asText());
            }
            assertThat(answers).containsOnlyOnce("done").contains("already done");
        } finally {
            crowd.shutdown();
        }
        assertThat(signals(instance)).isEqualTo(1);
    }

    @Test
    void the_next_leader_believes_what_the_one_before_has_signed() {
        String instance = start("ad_ann", asking("go"));
        String path = handedOut("ad_ann", instance);
        world.worker.loseMemory();
        assertThat(post(path, "text/plain", "after").body().path("answer").asText())
                .isEqualTo("done");
        assertThat(said("ad_ann", instance)).isEqualTo("after");
    }

    @Test
    void whoever_looks_sees_a_page_and_has_done_nothing() {
        String instance = start("ad_ann", asking("<script>alert(1)</script>"));
        String path = handedOut("ad_ann", instance);
        Answer page = world.client().with("Accept", "text/html").get(path);
        assertThat(page.status()).isEqualTo(200);
        assertThat(page.text())
                .contains("<form method=\"post\">", "&lt;script&gt;alert(1)&lt;/script&gt;")
                .doesNotContain("<script");
        assertThat(page.response().headers().firstValue("Content-Security-Policy"))
                .isPresent();
        assertThat(page.response().headers().firstValue("Referrer-Policy")).contains("no-referrer");
        assertThat(world.client().send("PUT", path, "{}").status()).isEqualTo(405);
        assertThat(signals(instance)).isZero();

        Answer pressed = world.client()
                .with("Accept", "text/html")
                .with("Content-Type", "application/x-www-form-urlencoded")
                .post(path, "");
        assertThat(pressed.status()).isEqualTo(200);
        assertThat(pressed.text()).contains("the workflow goes on");
        assertThat(said("ad_ann", instance)).isEqualTo("{}");
    }

    // ---- which address

    @Test
    void what_nobody_has_signed_is_answered_alike_whatever_is_wrong_with_it() throws SQLException {
        String instance = start("ad_ann", asking("go"));
        String path = handedOut("ad_ann", instance);
        long before = world.answers(Outcome.UNKNOWN);
        String nothing = post("/answers/1.a.b").text();
        assertThat(world.answers(Outcome.UNKNOWN) - before).isEqualTo(1);
        List<String> wrong = new ArrayList<>(List.of(
                path.substring(0, path.length() - 1) + (path.endsWith("A") ? "B" : "A"),
                path.replaceFirst("/answers/[0-9]+", "/answers/99"),
                path + "A",
                "/answers/" + instance,
                "/answers/%00",
                "/answers/" + "A".repeat(3000),
                "/answers/" + new AddressKey(1, new byte[32]).sign(address(instance, Instant.MAX.getEpochSecond()))));
        for (String each : wrong) {
            Answer answer = post(each);
            assertThat(answer.status()).as(each).isEqualTo(404);
            assertThat(answer.text()).isEqualTo(nothing);
            assertThat(world.client().get(each).text()).isEqualTo(nothing);
        }
        assertThat(signals(instance)).isZero();
    }

    private static Address address(String instance, long expires) {
        String node = owner("SELECT root_node FROM df.instances WHERE id = '" + instance + "'");
        return new Address(
                Addresses.SIGNAL,
                instance + "::1",
                node,
                UUID.randomUUID().toString().replace("-", ""),
                expires,
                "go");
    }

    private static String signed(Address address) {
        int number = Integer.parseInt(owner("SELECT id FROM df._address_key()"));
        byte[] key = HexFormat.of().parseHex(owner("SELECT encode(key, 'hex') FROM df._address_key()"));
        return "/answers/" + Objects.requireNonNull(new AddressKey(number, key).sign(address));
    }

    @Test
    void one_that_has_expired_is_of_no_use() {
        String instance = start("ad_ann", asking("go"));
        handedOut("ad_ann", instance);
        Answer late = post(signed(address(instance, Instant.now().getEpochSecond() - 1)));
        assertThat(late.status()).isEqualTo(410);
        assertThat(late.text()).contains("expired");
        // Which HTTP/2 forbids, and some clients refuse.
        assertThat(late.response().version()).isEqualTo(HttpClient.Version.HTTP_2);
        assertThat(late.response().headers().map()).doesNotContainKey("connection");
        assertThat(signals(instance)).isZero();
    }

    @Test
    void one_of_a_workflow_that_has_ended_or_is_gone_is_of_no_use() {
        String instance = start("ad_ann", asking("go"));
        String path = handedOut("ad_ann", instance);
        world.sql("ad_ann", "SELECT df.cancel('" + instance + "')");
        assertThat(post(path).status()).isEqualTo(410);
        assertThat(post(signed(address("ffffffff", Instant.now().getEpochSecond() + 60)))
                        .status())
                .isEqualTo(410);
    }

    @Test
    void in_another_round_the_address_of_the_round_before_is_of_no_use() {
        String instance = start(
                "ad_ann",
                "df.loop('SELECT ''{sys_signal_url:go}'' AS url' ~> (df.wait_for_signal('go') |=> 's'), 'SELECT $s.data::text LIKE ''%again%''',"
                        + " every => '0')");
        String first = handedOut("ad_ann", instance);
        assertThat(post(first, "text/plain", "again").status()).isEqualTo(200);
        String second = Awaitility.await("the next round")
                .until(() -> handedOut("ad_ann", instance), path -> !path.equals(first));

        assertThat(post(first).body().path("answer").asText()).isEqualTo("already done");
        assertThat(post(second, "text/plain", "again").status()).isEqualTo(200);
        String third = Awaitility.await("the next round")
                .until(() -> handedOut("ad_ann", instance), path -> !path.equals(second));
        assertThat(post(third).status()).isEqualTo(200);
        await("ad_ann", instance, "completed");
    }

    @Test
    void an_unused_address_of_an_earlier_round_is_outdated() {
        String instance = start(
                "ad_ann",
                "'SELECT 1' ~> df.loop('SELECT ''{sys_signal_url:go}'' AS url' ~> (df.wait_for_signal('next') |=> 's'), 'SELECT true',"
                        + " every => '0')");
        String first = handedOut("ad_ann", instance);
        world.sql("ad_ann", "SELECT df.signal('" + instance + "', 'next')");
        Awaitility.await("the next round").until(() -> handedOut("ad_ann", instance), path -> !path.equals(first));
        Answer outdated = post(first);
        assertThat(outdated.status()).as(outdated.text()).isEqualTo(410);
        assertThat(outdated.text()).contains("newer address");
        assertThat(post(handedOut("ad_ann", instance)).status()).isEqualTo(200);
        world.sql("ad_ann", "SELECT df.cancel('" + instance + "')");
    }

    @Test
    void after_a_redrive_the_address_works_if_its_step_has_not_run_again() {
        String instance = start(
                "ad_ann",
                "'SELECT ''{sys_signal_url:go}'' AS url' ~> df.timeout(df.wait_for_signal('never'), '10 milliseconds')"
                        + " ~> 'SELECT 1'");
        String kept = handedOut("ad_ann", instance);
        await("ad_ann", instance, "failed");
        assertThat(post(kept).status()).isEqualTo(410);

        world.sql("ad_ann", "SELECT df.redrive('" + instance + "')");
        await("ad_ann", instance, "failed");
        String root = world.sql("ad_ann", "SELECT root_node FROM df.instances WHERE id = '" + instance + "'");
        String waiting = start(
                "ad_ann",
                "'SELECT ''{sys_signal_url:go}'' AS url' ~> 'SELECT 1 / (SELECT count(*) FROM pg_class WHERE relname = ''ad_there'')'"
                        + " ~> (df.wait_for_signal('go') |=> 's') ~> 'SELECT $s.data AS said'");
        String before = handedOut("ad_ann", waiting);
        await("ad_ann", waiting, "failed");
        world.sql("ad_ann", "SELECT 1 FROM (SELECT set_config('x.y', '', false)) AS s");
        owner("CREATE TABLE IF NOT EXISTS public.ad_there (); SELECT 1");
        world.sql("ad_ann", "SELECT df.redrive('" + waiting + "')");
        await("ad_ann", waiting, "running");
        assertThat(post(before, "text/plain", "kept").status()).isEqualTo(200);
        assertThat(said("ad_ann", waiting)).isEqualTo("kept");
        assertThat(root).isNotEmpty();
    }

    // ---- decisions

    private static String approval(String assignees, String more) {
        return "('SELECT ''{sys_decision_url:approved}'' AS url' & (df.approval('Pay?', '{" + assignees + "}'" + more
                + ") |=> 'd')) ~> 'SELECT $d.decision || '' '' || $d.by || '' '' || $d.comment AS said'";
    }

    @Test
    void an_address_decides_the_open_approval_as_the_role_of_the_workflow() {
        String instance = start("ad_ann", approval("ad_ann,ad_ben", ""));
        String path = handedOut("ad_ann", instance);
        Awaitility.await().until(() -> Integer.parseInt(world.sql("ad_ann", "SELECT count(*) FROM df.tasks")) > 0);
        assertThat(world.client().with("Accept", "text/html").get(path).text()).contains("name=\"comment\"");
        Answer answer = post(path, "application/x-www-form-urlencoded", "comment=within+budget");
        assertThat(answer.status()).as(answer.text()).isEqualTo(200);
        assertThat(said("ad_ann", instance)).isEqualTo("approved ad_ann within budget");
        assertThat(post(path).body().path("answer").asText()).isEqualTo("already done");
    }

    @ParameterizedTest
    @ValueSource(strings = {"ad_ben|", "ad_ann|, not_submitter => true"})
    void no_address_decides_what_the_role_of_the_workflow_may_not(String approval) {
        String[] parts = approval.split("\\|", 2);
        String instance = start("ad_ann", approval(parts[0], parts[1]));
        String path = handedOut("ad_ann", instance);
        Awaitility.await()
                .until(() -> owner("SELECT count(*) FROM df._activities WHERE instance_id = '" + instance + "'")
                        .equals("1"));
        Answer answer = post(path);
        assertThat(answer.status()).as(answer.text()).isEqualTo(403);
        world.sql("ad_ann", "SELECT df.cancel('" + instance + "')");
    }

    @Test
    void an_address_that_comes_before_the_task_or_after_it_has_nothing_to_decide() {
        String instance = start(
                "ad_ann",
                "'SELECT ''{sys_decision_url:yes}'' AS url' ~> df.wait_for_signal('on') ~> df.approval('?', '{ad_ann}')");
        String path = handedOut("ad_ann", instance);
        assertThat(post(path).status()).isEqualTo(409);
        world.sql("ad_ann", "SELECT df.signal('" + instance + "', 'on')");
        Awaitility.await().until(() -> post(path).status() == 200);
        await("ad_ann", instance, "completed");
    }

    // ---- who may

    @Test
    void a_role_that_may_not_signal_any_more_does_not_by_an_address() {
        String instance = start("ad_cat", asking("go"));
        String path = handedOut("ad_cat", instance);
        owner("SELECT df.revoke_usage('ad_cat')");
        try {
            assertThat(post(path).status()).isEqualTo(403);
        } finally {
            owner("SELECT df.grant_usage('ad_cat')");
        }
        assertThat(post(path).status()).isEqualTo(200);
    }

    @Test
    void a_new_key_leaves_the_addresses_that_are_out_and_a_revoked_one_does_not() {
        String instance = start("ad_ann", asking("go"));
        String kept = handedOut("ad_ann", instance);
        String other = handedOut("ad_ann", start("ad_ann", asking("go")));
        owner("SELECT df.rotate_address_key()");
        assertThat(post(kept).status()).isEqualTo(200);
        owner("SELECT df.rotate_address_key(revoke => true)");
        assertThat(post(other).status()).isEqualTo(404);
        world.worker.loseMemory();
        String next = handedOut("ad_ann", start("ad_ann", asking("go")));
        Awaitility.await("the new key is known").until(() -> post(next).status() == 200);
    }

    @Test
    void whoever_locks_the_instance_holds_up_nobody() throws SQLException {
        String instance = start("ad_ann", asking("go"));
        String path = handedOut("ad_ann", instance);
        try (Connection mine = world.server
                        .url("ad_ann", DebianServer.password("ad_ann"), world.database)
                        .connect();
                Statement lock = mine.createStatement()) {
            mine.setAutoCommit(false);
            try (ResultSet locked =
                    lock.executeQuery("SELECT 1 FROM df.instances WHERE id = '" + instance + "' FOR UPDATE")) {
                assertThat(locked.next()).isTrue();
            }
            Answer busy = post(path);
            assertThat(busy.status()).isEqualTo(503);
            assertThat(busy.response().headers().firstValue("Retry-After")).isPresent();
        }
        assertThat(post(path).status()).isEqualTo(200);
    }

    @Test
    void where_nothing_can_be_changed_nothing_can_be_answered() {
        String instance = start("ad_ann", asking("go"));
        String path = handedOut("ad_ann", instance);
        Answer answer = new WebClient(world.readOnlyPort).post(path, "{}");
        assertThat(answer.status()).isEqualTo(403);
        assertThat(answer.text()).contains("read-only");
        assertThat(signals(instance)).isZero();
    }

    @Test
    void pages_of_others_may_send_it_and_a_cookie_makes_no_difference() {
        String instance = start("ad_ann", asking("go"));
        String path = handedOut("ad_ann", instance);
        WebClient ben = world.loggedIn("ad_ben");
        ben.csrf = null;
        assertThat(ben.with("Sec-Fetch-Site", "cross-site")
                        .with("Content-Type", "text/plain")
                        .post(path, "x")
                        .status())
                .isEqualTo(200);
    }

    @Test
    void the_description_of_the_api_has_it() {
        JsonNode paths = world.client().get("/openapi.json").body().path("paths");
        assertThat(paths.path("/answers/{address}")
                        .path("post")
                        .path("security")
                        .isArray())
                .isTrue();
    }
}
