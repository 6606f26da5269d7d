package dev.perdure.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.embedded.EmbeddedServer;
import dev.perdure.testing.DebianServer;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import dev.perdure.web.WebClient.Answer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What others try with the dashboard. */
class WebAttacksTest {

    private static WebWorld world;
    private static String ofAnn;

    @BeforeAll
    static void begin() {
        world = new WebWorld("web_ann", "web_eve", "web_locked", "web_pass", "web_mal");
        ofAnn = world.loggedIn("web_ann")
                .post("/instances", "{\"workflow\":\"df.wait_for_signal('go')\",\"label\":\"secret plan\"}")
                .body()
                .path("id")
                .asText();
    }

    @AfterAll
    static void end() {
        world.close();
    }

    /** So that no test spends the tries of another: all come from one address. */
    @BeforeEach
    void later() {
        world.pass(Duration.ofMinutes(10));
    }

    @Test
    void an_instance_of_another_role_is_answered_as_one_that_does_not_exist() {
        WebClient eve = world.loggedIn("web_eve");

        for (String path : List.of(
                "/instances/%s", "/instances/%s/nodes/%1$s", "/instances/%s/nodes/%1$s/result", "/instances/%s/sql")) {
            Answer others = eve.get(path.formatted(ofAnn));
            Answer nobodys = eve.get(path.formatted("01234567"));
            assertThat(others.status()).isEqualTo(404);
            assertThat(others.text()).isEqualTo(nobodys.text());
        }
        assertThat(eve.get("/instances/" + ofAnn + "/items?node=" + ofAnn).status())
                .isEqualTo(404);
        assertThat(eve.get("/instances").text()).doesNotContain(ofAnn).doesNotContain("secret");
        assertThat(eve.get("/instances?text=secret").body().path("instances")).isEmpty();
        for (String action : List.of("cancel", "signal", "redrive", "fork")) {
            String body = action.equals("signal") ? "{\"name\":\"go\"}" : "{}";
            Answer others = eve.post("/instances/" + ofAnn + "/" + action, body);
            Answer nobodys = eve.post("/instances/01234567/" + action, body);
            assertThat(others.status()).as(others.text()).isBetween(400, 499);
            assertThat(others.text().replace(ofAnn, "id"))
                    .isEqualTo(nobodys.text().replace("01234567", "id"));
        }
        for (String action : List.of("cancel", "redrive")) {
            Answer many = eve.post("/instances/" + action, "{\"filter\":{\"ids\":[\"" + ofAnn + "\"]}}");
            assertThat(many.body().path("done").asInt(-1)).as(many.text()).isZero();
        }
        assertThat(eve.get("/instances?role=web_ann").body().path("instances")).isEmpty();
        assertThat(eve.get("/summary").body().path("started").asInt()).isZero();
        Answer drawn = eve.post("/explain", "{\"workflow\":\"" + ofAnn + "\"}");
        assertThat(drawn.status()).isEqualTo(422);
    }

    @Test
    void tasks_and_activities_of_others_are_neither_seen_nor_decided() {
        String asks = world.sql("web_ann", "SELECT df.start(df.approval('A secret?', '{web_ann}'))");
        world.sql("web_ann", "SELECT df.start(df.activity('secret kind', '{\"n\": 1}'))");
        String task = Awaitility.await()
                .until(() -> world.sql("web_ann", "SELECT max(task_id) FROM df.tasks"), found -> found != null);
        Awaitility.await().until(() -> !world.sql("web_ann", "SELECT max(kind) FROM df.activities")
                .isEmpty());
        WebClient eve = world.loggedIn("web_eve");

        for (String path : List.of("/tasks", "/activities", "/activity-kinds", "/activities?kind=secret%20kind")) {
            Answer answer = eve.get(path);
            assertThat(answer.status()).as(answer.text()).isEqualTo(200);
            assertThat(answer.text()).doesNotContain("ecret");
        }
        for (String other : List.of(task, "987654321")) {
            assertThat(eve.get("/tasks/" + other).status()).isEqualTo(404);
            Answer decided = eve.post("/tasks/" + other + "/decide", "{\"decision\":\"approved\"}");
            assertThat(decided.status()).as(decided.text()).isEqualTo(409);
            assertThat(decided.text().replace(other, "N"))
                    .isEqualTo(eve.post("/tasks/55555555/decide", "{\"decision\":\"approved\"}")
                            .text()
                            .replace("55555555", "N"));
        }
        WebClient ann = world.loggedIn("web_ann");
        assertThat(new WebClient(world.readOnlyPort)
                        .withPassword("web_ann", DebianServer.password("web_ann"))
                        .post("/tasks/" + task + "/decide", "{\"decision\":\"approved\"}")
                        .status())
                .isEqualTo(403);
        String token = ann.csrf;
        ann.csrf = null;
        assertThat(ann.post("/tasks/" + task + "/decide", "{\"decision\":\"approved\"}")
                        .status())
                .as("without the token of our page")
                .isEqualTo(403);
        ann.csrf = token;
        assertThat(ann.post("/tasks/" + task + "/decide", "{\"decision\":\" \"}")
                        .status())
                .isBetween(400, 422);
        assertThat(ann.get("/tasks/" + task).body().path("title").asText()).isEqualTo("A secret?");
        Answer decided = ann.post("/tasks/" + task + "/decide", "{\"decision\":\"approved\",\"comment\":\"yes\"}");
        assertThat(decided.body().path("answer").asText()).as(decided.text()).isEqualTo("decided");
        Awaitility.await().until(() -> world.sql("web_ann", "SELECT df.status('" + asks + "')")
                .equals("completed"));
        assertThat(ann.post("/tasks/" + task + "/decide", "{\"decision\":\"rejected\"}")
                        .status())
                .isEqualTo(409);
    }

    @Test
    void without_a_login_there_is_nothing() {
        for (String path : List.of("/instances", "/instances/" + ofAnn, "/worker")) {
            assertThat(world.client().get(path).status()).isEqualTo(401);
        }
        assertThat(world.client()
                        .post("/instances", "{\"workflow\":\"SELECT 1\"}")
                        .status())
                .isEqualTo(401);
        WebClient forged = world.client();
        forged.cookie = Cookies.OF_ONLY.login() + "=" + "A".repeat(43);
        assertThat(forged.get("/instances").status()).isEqualTo(401);
    }

    @Test
    void a_change_with_the_cookie_needs_the_token_and_our_own_page() {
        WebClient ann = world.loggedIn("web_ann");
        String token = ann.csrf;
        String start = "{\"workflow\":\"SELECT 1\"}";

        ann.csrf = null;
        assertThat(ann.post("/instances", start).status()).isEqualTo(403);
        ann.csrf = world.loggedIn("web_ann").csrf;
        assertThat(ann.post("/instances", start).status()).isEqualTo(403);
        assertThat(ann.send("DELETE", "/session", null).status()).isEqualTo(403);
        ann.csrf = token;
        assertThat(ann.post("/instances", start).status()).isEqualTo(200);
        WebClient foreign = copy(ann).with("Sec-Fetch-Site", "cross-site");
        assertThat(foreign.post("/instances", start).status()).isEqualTo(403);
        assertThat(foreign.get("/instances").status()).isEqualTo(403);
        assertThat(copy(ann)
                        .with("Origin", "https://evil.example")
                        .post("/instances", start)
                        .status())
                .isEqualTo(403);
        assertThat(copy(ann)
                        .with("Content-Type", "text/plain")
                        .post("/instances", start)
                        .status())
                .isEqualTo(415);
        assertThat(world.client()
                        .with("Origin", "https://evil.example")
                        .login("web_eve", DebianServer.password("web_eve"))
                        .status())
                .isEqualTo(403);
    }

    private static WebClient copy(WebClient of) {
        WebClient copy = world.client();
        copy.cookie = of.cookie;
        copy.csrf = of.csrf;
        return copy;
    }

    @Test
    void a_secret_that_was_there_before_the_login_is_not_the_one_behind_it() {
        WebClient victim = world.client();
        victim.cookie = Cookies.OF_ONLY.login() + "=" + "fixed-by-somebody-else-000000000000000000000";
        String fixed = victim.cookie;

        Answer answer = victim.login("web_ann", DebianServer.password("web_ann"));

        assertThat(victim.cookie).isNotEqualTo(fixed);
        assertThat(answer.response().headers().firstValue("Set-Cookie").orElseThrow())
                .contains("HTTPOnly", "Secure", "SameSite=Strict", "Path=/")
                .doesNotContain("Domain");
        WebClient attacker = world.client();
        attacker.cookie = fixed;
        assertThat(attacker.get("/instances").status()).isEqualTo(401);

        WebClient before = copy(victim);
        victim.login("web_ann", DebianServer.password("web_ann"));
        Awaitility.await("a login ends the one before it")
                .until(() -> before.get("/instances").status() == 401);
    }

    @Test
    void a_login_is_over_after_logging_out_and_when_nobody_uses_it() {
        WebClient ann = world.loggedIn("web_ann");
        WebClient stolen = copy(ann);
        assertThat(stolen.get("/instances").status()).isEqualTo(200);
        assertThat(ann.send("DELETE", "/session", null).status()).isEqualTo(204);
        Awaitility.await("it is over").until(() -> stolen.get("/instances").status() == 401);

        WebClient idle = world.loggedIn("web_ann");
        world.pass(Duration.ofMinutes(31));
        assertThat(idle.get("/instances").status()).isEqualTo(401);
    }

    @Test
    void an_unknown_role_and_a_wrong_password_are_answered_alike_and_at_the_same_pace() {
        long began = System.nanoTime();
        Answer wrong = world.client().login("web_ann", "mistyped-secret");
        long first = System.nanoTime();
        Answer unknown = world.client().login("web_nobody", "mistyped-secret");
        long second = System.nanoTime();

        assertThat(wrong.status()).isEqualTo(401);
        assertThat(unknown.text()).isEqualTo(wrong.text()).doesNotContain("mistyped");
        assertThat(unknown.response().headers().map().keySet())
                .isEqualTo(wrong.response().headers().map().keySet());
        // At multiples of half a second, whatever the server took.
        assertThat((first - began) / 1_000_000).isGreaterThanOrEqualTo(499);
        assertThat((second - first) / 1_000_000).isGreaterThanOrEqualTo(499);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"role\":\"web_ann\",\"password\":\"\"}",
                "{\"role\":\"\",\"password\":\"x\"}",
                "{\"role\":\"df_worker\\u0000options\\u0000-c role=postgres\",\"password\":\"df_worker!\"}",
                "{\"role\":\"web_ann\",\"password\":\"web_ann!\\u0000\"}",
                "{\"role\":\"WEB_ANN\",\"password\":\"web_ann!\"}",
                "{}"
            })
    void odd_names_and_passwords_are_wrong_ones(String body) {
        assertThat(world.client().post("/session", body).status()).isEqualTo(401);
    }

    @Test
    void a_body_that_is_no_json_is_not_quoted() {
        Answer answer = world.client().post("/session", "{\"role\":\"web_ann\",\"password\":\"mistyped-secret");

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.text()).doesNotContain("mistyped");
    }

    @Test
    void guessing_is_slowed_down_and_whoever_was_in_before_is_not_locked_out() {
        WebClient owner = world.client();
        assertThat(owner.login("web_locked", DebianServer.password("web_locked"))
                        .status())
                .isEqualTo(200);
        List<Answer> answers = atOnce(IntStream.range(0, 15)
                .mapToObj(n -> (Callable<Answer>) () ->
                        world.client().withPassword("web_pass", "guess " + n).get("/worker"))
                .toList());

        assertThat(answers).filteredOn(answer -> answer.status() == 401).hasSizeBetween(1, 10);
        assertThat(answers)
                .filteredOn(answer -> answer.status() == 429)
                .hasSizeGreaterThanOrEqualTo(5)
                .allSatisfy(answer -> assertThat(answer.response().headers().firstValue("Retry-After"))
                        .isPresent());
        assertThat(world.client()
                        .login("web_pass", DebianServer.password("web_pass"))
                        .status())
                .isEqualTo(429);
        assertThat(world.client()
                        .login("web_locked", DebianServer.password("web_locked"))
                        .status())
                .isEqualTo(200);
        world.pass(Duration.ofSeconds(31));
        assertThat(world.client()
                        .login("web_pass", DebianServer.password("web_pass"))
                        .status())
                .isEqualTo(200);
    }

    @Test
    void the_owner_and_whoever_can_become_more_are_refused_with_the_right_password() {
        world.server.asSuperuser(
                "postgres",
                "CREATE ROLE web_super LOGIN SUPERUSER PASSWORD 'web_super!'; CREATE ROLE web_bypass LOGIN BYPASSRLS PASSWORD 'web_bypass!';"
                        + " CREATE ROLE web_repl LOGIN REPLICATION PASSWORD 'web_repl!';"
                        + " CREATE ROLE web_member LOGIN NOINHERIT PASSWORD 'web_member!' IN ROLE web_bypass;"
                        + " CREATE ROLE web_deputy LOGIN PASSWORD 'web_deputy!' IN ROLE df_worker");
        List<String> mighty = List.of("df_worker", "web_super", "web_bypass", "web_repl", "web_member", "web_deputy");
        List<Answer> right = atOnce(mighty.stream()
                .map(role -> (Callable<Answer>) () -> world.client().login(role, role + "!"))
                .toList());
        List<Answer> wrong = atOnce(mighty.stream()
                .map(role -> (Callable<Answer>) () -> world.client().login(role, "wrong"))
                .toList());

        assertThat(right).allSatisfy(answer -> {
            assertThat(answer.status()).isEqualTo(403);
            assertThat(answer.text()).contains("too mighty");
        });
        assertThat(wrong).allSatisfy(answer -> assertThat(answer.status()).isEqualTo(401));
    }

    @Test
    void a_login_that_the_server_did_not_check_is_none() throws SQLException {
        TestDatabase trusting = PostgresServer.get().newDatabase();
        trusting.createUser("web_trusted");
        Dashboard dashboard = world.dashboard(trusting.url(), false, null);
        Dashboard tryOut = world.dashboard(trusting.url(), false, "web_trusted");
        try {
            WebClient client = new WebClient(world.listen(dashboard));
            Answer answer = client.login("web_trusted", "whatever");

            assertThat(answer.status()).isEqualTo(403);
            assertThat(answer.body().path("title").asText()).contains("without a look at the password");
            assertThat(answer.body().path("detail").asText()).contains("scram-sha-256");
            WebClient basic = new WebClient(world.listen(tryOut)).withPassword("web_trusted", "whatever");
            assertThat(basic.get("/worker").status()).isEqualTo(403);
        } finally {
            dashboard.close();
            tryOut.close();
        }
    }

    @Test
    void the_role_to_try_out_is_for_the_machine_itself_under_its_own_name() throws SQLException, IOException {
        TestDatabase embedded = PostgresServer.get().newDatabase();
        embedded.createUser(EmbeddedServer.PEOPLE);
        Dashboard dashboard = world.dashboard(embedded.url(), false, EmbeddedServer.PEOPLE);
        try {
            int port = world.listen(dashboard);
            assertThat(new WebClient(port)
                            .get("/session")
                            .body()
                            .path("try_out")
                            .asText())
                    .isEqualTo(EmbeddedServer.PEOPLE);
            assertThat(new WebClient(port).post("/session/try-out", "{}").status())
                    .isEqualTo(200);
            // A name of somebody else's that leads to 127.0.0.1.
            assertThat(raw(
                            port,
                            "POST /api/v1/session/try-out HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/json\r\n"
                                    + "Content-Length: 2\r\nConnection: close\r\n\r\n{}"))
                    .startsWith("HTTP/1.1 403");
        } finally {
            dashboard.close();
        }
        assertThat(world.client().post("/session/try-out", "{}").status()).isEqualTo(404);
    }

    @Test
    void a_body_of_a_gigabyte_is_refused_before_it_is_read() throws IOException {
        String head = "POST /api/v1/instances HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Content-Length: 1073741824\r\n\r\n";

        assertThat(raw(world.port, head)).startsWith("HTTP/1.1 413");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/../application.properties",
                "/app/../../application.properties",
                "/%2e%2e/application.properties",
                "/..%2f..%2fetc/passwd",
                "/files.txt",
                "//etc/passwd",
                "/app/",
                "/q/health",
                "/META-INF/MANIFEST.MF"
            })
    void only_the_files_of_the_dashboard_are_served(String path) throws IOException {
        assertThat(raw(world.port, "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 404");
    }

    @Test
    void every_answer_forbids_what_the_pages_do_not_need() {
        for (String path : List.of("//", "//app/main.js", "/session", "/nothing")) {
            Map<String, List<String>> headers =
                    world.client().get(path).response().headers().map();
            assertThat(headers)
                    .containsEntry("content-security-policy", List.of(Reply.POLICY))
                    .containsEntry("x-content-type-options", List.of("nosniff"))
                    .containsEntry("referrer-policy", List.of("no-referrer"));
        }
        assertThat(world.client().get("/session").response().headers().firstValue("Cache-Control"))
                .hasValue("no-store");
    }

    @Test
    void an_expression_that_is_explained_writes_nothing_in_a_session_of_whatever_age() {
        world.server.asSuperuser(world.database, "CREATE SEQUENCE eves; GRANT USAGE ON SEQUENCE eves TO web_eve");
        WebClient eve = world.loggedIn("web_eve");
        for (int request = 0; request < 3; request++) {
            Answer answer = eve.post(
                    "/explain", "{\"workflow\":\"(SELECT pg_catalog.nextval('public.eves')::text) ~> 'SELECT 1'\"}");
            assertThat(answer.text()).as("request " + request).contains("25006");
            assertThat(answer.status()).isEqualTo(422);
        }
    }

    @Test
    void nothing_that_an_expression_does_stays_in_the_session() {
        WebClient eve = world.loggedIn("web_eve");
        String lock =
                "{\"workflow\":\"(SELECT set_config('search_path', 'evil', false) || pg_advisory_lock(4711)::text || set_config('role', 'web_eve', false)) ~> 'SELECT 1'\"}";

        eve.post("/explain", lock);

        assertThat(eve.get("/worker").status()).isEqualTo(200);
        assertThat(eve.post("/explain", "{\"workflow\":\"'SELECT 1' ~> current_setting('search_path')\"}")
                        .body()
                        .path("text")
                        .asText())
                .contains("public")
                .doesNotContain("evil");
        assertThat(world.loggedIn("web_ann")
                        .post("/explain", "{\"workflow\":\"pg_try_advisory_lock(4711)::text ~> 'SELECT 1'\"}")
                        .body()
                        .path("text")
                        .asText())
                .contains("true");
        assertThat(eve.post("/explain", "{\"workflow\":\"set_config('role', 'df_worker', false) ~> 'SELECT 1'\"}")
                        .body()
                        .path("sqlstate")
                        .asText())
                .isEqualTo("42501");
    }

    @Test
    void schedules_queues_and_definitions_of_others_do_not_exist() {
        world.sql("web_ann", "SELECT df.create_schedule('secret plan', '0 3 * * *', 'SELECT 1')");
        world.sql("web_ann", "SELECT df.create_queue('secret queue')");
        world.sql("web_ann", "SELECT df.define('secret', 'SELECT 1')");
        WebClient mal = world.loggedIn("web_mal");

        for (String path : List.of(
                "/schedules",
                "/schedules/secret%20plan/runs",
                "/queues",
                "/definitions",
                "/definitions/web_ann.secret")) {
            Answer answer = mal.get(path);
            assertThat(answer.status()).as(path).isEqualTo(200);
            assertThat(answer.text()).as(path).doesNotContain("secret");
        }
        for (String path :
                List.of("/schedules/%s/pause", "/schedules/%s/trigger", "/queues/%s/pause", "/queues/%s/resume")) {
            String name = path.startsWith("/queues") ? "secret%20queue" : "secret%20plan";
            Answer others = mal.post(path.formatted(name), "{}");
            Answer nobodys = mal.post(path.formatted("nosuch"), "{}");
            assertThat(others.status())
                    .as(others.text())
                    .isEqualTo(nobodys.status())
                    .isBetween(400, 499);
            assertThat(others.text().replaceAll("secret (plan|queue)", "nosuch"))
                    .isEqualTo(nobodys.text());
        }
        assertThat(mal.post("/instances", "{\"definition\":\"web_ann.secret\"}").status())
                .isIn(200, 422);
        assertThat(world.loggedIn("web_ann")
                        .get("/schedules")
                        .body()
                        .path("schedules")
                        .get(0)
                        .path("paused")
                        .asBoolean())
                .isFalse();
    }

    /** A login that fails takes half a second, however many there are at once. */
    private static List<Answer> atOnce(List<Callable<Answer>> calls) {
        ExecutorService threads = Executors.newFixedThreadPool(calls.size());
        try {
            List<Answer> answers = new ArrayList<>();
            for (Future<Answer> answer : threads.invokeAll(calls)) {
                answers.add(answer.get());
            }
            return answers;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        } finally {
            threads.shutdown();
        }
    }

    private static String raw(int port, String request) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", port)) {
            socket.setSoTimeout(10_000);
            OutputStream out = socket.getOutputStream();
            out.write(request.getBytes(StandardCharsets.US_ASCII));
            out.flush();
            byte[] answer = new byte[64];
            int read = socket.getInputStream().readNBytes(answer, 0, 20);
            return new String(answer, 0, read, StandardCharsets.US_ASCII);
        }
    }
}
