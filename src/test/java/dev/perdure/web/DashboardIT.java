package dev.perdure.web;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.perdure.testing.DebianServer;
import dev.perdure.testing.FreePort;
import dev.perdure.testing.WorkerProcess;
import dev.perdure.web.api.Api;
import java.io.IOException;
import java.net.http.HttpHeaders;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The pages that the packaged worker serves, in a real browser: what was packaged, the application for the JVM or the native executable,
 * has its files, its connections and its streams. What the pages can do is {@link DashboardBrowserTest}'s.
 */
class DashboardIT {

    private static final String ANN = "packaged_ann";
    private static final String BOB = "packaged_bob";
    private static final int BIG = 400_000;

    /** A metric that docs/monitoring.md has in its table. The format that is sent leaves the end of a counter's name out of its type. */
    private static final Pattern METRIC =
            Pattern.compile("(?m)^\\| `(perdure_[a-z_]+?)(?:_total)?` \\| (?:gauge|counter|histogram) \\|");

    @TempDir
    private static Path downloads;

    private static Browser browser;
    private static Visitor visitor;
    private static DebianServer server;
    private static String database;
    private static int port;
    private static WorkerProcess worker;

    @BeforeAll
    static void begin() {
        browser = Browser.open();
        server = DebianServer.get();
        database = server.newDatabase();
        server.createUser(ANN, database);
        server.createUser(BOB, database);
        port = FreePort.find();
        visitor = new Visitor(browser, "http://localhost:" + port);
        worker = startWorker().awaitLeader();
        awaitPages();
        browser.downloadTo(downloads);
    }

    private static WorkerProcess startWorker() {
        return WorkerProcess.start(
                server.worker(database),
                "perdure.web.enabled=true",
                "perdure.web.port=" + port,
                "perdure.login.passwords." + ANN + "=" + DebianServer.password(ANN),
                "perdure.login.passwords." + BOB + "=" + DebianServer.password(BOB));
    }

    private static void awaitPages() {
        Awaitility.await("the pages at port " + port)
                .ignoreExceptions()
                .until(() -> new WebClient(port).get("/session").status() == 200);
    }

    @AfterAll
    static void end() {
        if (worker != null) {
            worker.close();
        }
        if (browser != null) {
            browser.close();
        }
    }

    @AfterEach
    void neither_the_policy_was_violated_nor_did_a_script_fail() {
        assertThat(browser.complaints()).isEmpty();
    }

    private static String sql(String role, String statement) {
        return DebianServer.value(server.url(role, DebianServer.password(role), database), statement);
    }

    private static String start(String role, String workflow, String label) {
        return sql(role, "SELECT df.start(" + workflow + ", '" + label + "')");
    }

    @Test
    void a_wrong_password_is_said_and_the_right_one_shows_ones_own_instances() {
        start(ANN, "'SELECT 1'", "of ann");
        String ofBob = start(BOB, "'SELECT 1'", "of bob");
        visitor.logOut();
        visitor.enter(ANN, "wrong");
        browser.awaitText("[role=alert]", "password is wrong");
        visitor.logIn(ANN);
        browser.click("nav a[href='#/instances']");
        browser.awaitText("td", "of ann");
        assertThat(browser.texts("td")).noneMatch(text -> text.contains("of bob"));
        visitor.open("instances/" + ofBob);
        browser.awaitText("[role=alert]", "no such instance of yours");
    }

    @Test
    void a_graph_moves_to_its_end_because_the_page_is_told_what_happens() {
        String id = start(
                ANN,
                "df.wait_for_signal('first') ~> ('SELECT 1' & 'SELECT 2') ~> df.wait_for_signal('second')",
                "moves");
        visitor.become(ANN);
        visitor.open("instances/" + id);
        browser.awaitText("g.running text", "'first'");
        visitor.awaitLive();
        browser.script("window.told = 0; addEventListener('pd-changed', () => { window.told += 1; });");
        sql(ANN, "SELECT df.signal('" + id + "', 'first')");
        browser.awaitText("g.running text", "'second'");
        Awaitility.await("the page is told")
                .until(() -> browser.script("return window.told").asInt() > 0);
        assertThat(browser.texts("g.completed text")).contains("SQL: SELECT 1", "SQL: SELECT 2");
        sql(ANN, "SELECT df.signal('" + id + "', 'second')");
        browser.awaitText("#status", "completed");
        browser.picture("packaged-instance");
    }

    @Test
    void an_instance_is_started_by_the_form_and_signalled() {
        visitor.become(ANN);
        browser.click("nav a[href='#/start']");
        browser.type("textarea[name=workflow]", "df.wait_for_signal('go') |=> 'go' ~> 'SELECT $go AS said'");
        browser.awaitText("section pre", "SIGNAL");
        browser.type("input[name=label]", "started by hand");
        browser.click("form button.main");
        browser.awaitText(".now", "SIGNAL 'go'");
        browser.click("button[data-action=signal]");
        browser.type("form[aria-label=signal] textarea", "{\"by\": \"hand\"}");
        browser.click("form[aria-label=signal] button.main");
        browser.awaitText("#status", "completed");
        browser.awaitText("h1", "started by hand");
        assertThat(sql(ANN, "SELECT output FROM df.instances WHERE label = 'started by hand'"))
                .contains("hand");
    }

    @Test
    void an_approval_is_given_with_a_comment() {
        String id = start(BOB, "df.approval('Pay 950 EUR?', '{" + ANN + "}') |=> 'd' ~> 'SELECT $d.comment'", "asks");
        Awaitility.await("the task")
                .until(() -> sql(ANN, "SELECT count(*) FROM df.tasks").equals("1"));
        visitor.become(ANN);
        browser.click("nav a[href='#/tasks']");
        browser.awaitText(".task h2", "Pay 950 EUR?");
        browser.type(".task textarea[name=comment]", "from the page");
        browser.click(".task button.main");
        browser.awaitText("p[role=status]", "is decided: approved");
        visitor.become(BOB);
        visitor.open("instances/" + id);
        browser.awaitText("#status", "completed");
        assertThat(sql(BOB, "SELECT df.result('" + id + "')")).contains("from the page");
    }

    @Test
    void what_waits_is_cancelled_with_a_reason() {
        String id = start(ANN, "df.wait_for_signal('never')", "not wanted");
        visitor.become(ANN);
        visitor.open("instances/" + id);
        browser.awaitText(".now", "SIGNAL 'never'");
        browser.click("button[data-action=cancel]");
        browser.type("input[name=reason]", "nobody wants it");
        browser.click("form[aria-label=cancel] button.main");
        browser.awaitText("#status", "cancelled");
        browser.awaitText("p.error", "nobody wants it");
    }

    @Test
    void what_failed_is_redriven_once_its_cause_is_gone() {
        DebianServer.execute(
                server.url(ANN, DebianServer.password(ANN), database), "CREATE TABLE divisor AS SELECT 0 AS n");
        String id = start(ANN, "'SELECT 10 / n AS quotient FROM divisor' ~> 'SELECT 2'", "divides");
        visitor.become(ANN);
        visitor.open("instances/" + id);
        browser.awaitText("#status", "failed");
        browser.awaitText("div.error", "division by zero");
        DebianServer.execute(server.url(ANN, DebianServer.password(ANN), database), "UPDATE divisor SET n = 5");
        browser.click("button[data-action=redrive]");
        browser.awaitText("#status", "completed");
        assertThat(browser.texts("g.failed")).isEmpty();
    }

    @Test
    void a_large_result_is_cut_with_its_size_and_all_of_it_is_downloaded() throws IOException {
        String id = start(ANN, "'SELECT repeat(''x'', " + BIG + ") AS big'", "large");
        visitor.become(ANN);
        visitor.open("instances/" + id);
        browser.awaitText("h3", "Result, 390.7 KB");
        assertThat(browser.texts("pre")).allMatch(text -> text.length() < BIG);
        browser.click("a[download]");
        Path file = downloads.resolve("result.json");
        Awaitility.await(file.toString()).until(() -> Files.exists(file));

        assertThat(new ObjectMapper().readTree(file.toFile()).at("/rows/0/big").asText())
                .isEqualTo("x".repeat(BIG));
    }

    @Test
    void a_page_outlives_a_kill_of_the_worker_and_after_a_login_is_where_it_was() {
        String id = start(ANN, "df.wait_for_signal('go') ~> 'SELECT 1'", "outlives");
        visitor.become(ANN);
        visitor.open("instances/" + id);
        browser.awaitText(".now", "SIGNAL 'go'");
        visitor.awaitLive();
        browser.script("window.same = true;");
        worker.kill();
        browser.awaitText("p[role=status]", "The worker does not answer since");
        browser.awaitText("#status", "running");
        sql(ANN, "SELECT df.signal('" + id + "', 'go')");
        worker = startWorker();
        browser.await("input[name=role]");
        visitor.logIn(ANN);
        browser.awaitText("h1", "outlives");
        browser.awaitText("#status", "completed");
        visitor.awaitLive();
        Awaitility.await("nothing is said to be away")
                .until(() -> browser.texts("p[role=status]").isEmpty());
        assertThat(browser.script("return window.same === true").asBoolean()).isTrue();
    }

    @Test
    void each_file_of_the_page_is_packaged_with_its_type_and_the_policy() throws IOException {
        for (String name : Assets.names()) {
            WebClient.Answer answer = new WebClient(port).get("//" + name);
            HttpHeaders headers = answer.response().headers();
            assertThat(answer.status()).as(name).isEqualTo(200);
            assertThat(answer.text())
                    .as(name)
                    .isEqualTo(Files.readString(
                            Path.of("src", "main", "resources", "web").resolve(name)));
            assertThat(headers.firstValue("Content-Type"))
                    .as(name)
                    .contains(new Assets().at("/" + name).orElseThrow().type());
            assertThat(headers.firstValue("Content-Security-Policy")).as(name).contains(Reply.POLICY);
        }
    }

    @Test
    void the_description_is_that_of_the_code() {
        WebClient.Answer answer = new WebClient(port).get("/openapi.json");

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.response().headers().firstValue("Content-Type")).contains("application/json");
        assertThat(answer.text()).isEqualTo(Api.describe());
    }

    @Test
    void metrics_are_those_of_the_documentation_and_neither_port_has_what_is_the_others() throws Exception {
        List<String> documented = METRIC.matcher(Files.readString(Path.of("docs", "monitoring.md")))
                .results()
                .map(found -> found.group(1))
                .toList();
        String exported = worker.get("/q/metrics");

        assertThat(documented).hasSizeGreaterThan(30);
        assertThat(documented).allSatisfy(name -> assertThat(exported).contains("# TYPE " + name));
        assertThat(worker.get("/")).doesNotContain("pd-main");
        assertThat(worker.get(Api.BASE + "/openapi.json")).doesNotContain("Durable SQL");
        assertThat(new WebClient(port).get("//q/metrics").status()).isEqualTo(404);
        assertThat(new WebClient(port).get("//q/health").status()).isEqualTo(404);
    }
}
