package dev.perdure.web;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.perdure.embedded.EmbeddedServer;
import dev.perdure.testing.DebianServer;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.Slow;
import dev.perdure.testing.TestDatabase;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The pages in a real browser. The pictures that it takes are in {@code target/screenshots}. */
@Slow("a browser")
class DashboardBrowserTest {

    private static final String MARKUP =
            "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">";
    private static final ObjectMapper JSON = new ObjectMapper();

    private static Browser browser;
    private static WebWorld world;
    private static String base;
    private static Visitor visitor;
    private static String mapping;
    private static String broken;
    private static String held;

    @BeforeAll
    static void begin() {
        browser = Browser.open();
        world = new WebWorld("page_ann", "page_bob", "page_cay", "page_dan", "page_eva", "page_fay");
        base = "http://localhost:" + world.port;
        visitor = new Visitor(browser, base);
        scene();
    }

    @AfterAll
    static void end() {
        if (world != null) {
            world.close();
        }
        if (browser != null) {
            browser.close();
        }
    }

    @AfterEach
    void the_policy_was_never_violated() {
        assertThat(browser.complaints()).isEmpty();
    }

    /** What a shop has: orders, a map that is half done, a failure, a schedule, a queue that is paused, a definition. */
    private static void scene() {
        for (String sql : List.of(
                "SELECT df.create_schedule('nightly report', '30 2 * * *', 'SELECT 1', 'Europe/Berlin')",
                "SELECT df.create_queue('export', rate => 10, per => '1 minute')",
                "SELECT df.create_queue('mail', concurrency => 2)",
                "SELECT df.pause_queue('mail')",
                "SELECT df.define('invoice', df.sql('SELECT $1::text AS customer, $2::numeric AS total', '{customer}', '{total}'),"
                        + " '{\"customer\": {\"type\": \"text\", \"required\": true, \"description\": \"who pays\"},"
                        + " \"total\": {\"type\": \"numeric(10,2)\", \"default\": 0}}', 'writes one invoice')",
                "SELECT count(*) FROM df.start_many('SELECT 1', 'SELECT 4700 + n AS n FROM generate_series(1, 8) n',"
                        + " '{\"attributes\": {\"order\": \"{n}\"}}')")) {
            world.sql("page_ann", sql);
        }
        start(
                "page_ann",
                "df.approval('Pay 950 EUR to ' || '" + MARKUP.replace("'", "''")
                        + "', '{page_ann,page_bob}', '{\"order\": 4711, \"sum\": 950, \"lines\": [\"12 chairs\", \"1 table\"]}', quorum => 2)"
                        + " & df.approval('Publish the newsletter of December?', '{page_ann}', not_submitter => true)",
                "payment 4711");
        start(
                "page_ann",
                "df.map('SELECT n FROM generate_series(1, 5) n', df.activity('thumbnail', '{\"image\": $item.n}'))",
                "thumbnails");
        start("page_ann", "df.activity('embed', '{\"text\": \"one chair\"}')", "embedding");
        Awaitility.await().until(() -> world.sql("page_ann", "SELECT count(*) FROM df.activities")
                .equals("6"));
        world.sql(
                "page_ann",
                "SELECT df.extend_activity(token, lease => '1 hour', progress => '{\"done\": 7}') FROM df.claim_activities('embed')");
        world.owner(
                "UPDATE df._activities SET created_at = created_at - interval '3 minutes' WHERE kind = 'thumbnail'");
        held = world.sql(
                "page_ann",
                "SELECT df.start('SELECT 1', 'newsletter', options => '{\"queue\": \"mail\", \"key\": \"eu\"}')");
        broken = start(
                "page_ann",
                "'SELECT 4711 AS id, 0 AS items' |=> 'o' ~> df.if('SELECT $o.id > 0', 'SELECT 100 / $o.items AS average', 'SELECT 0')"
                        + " ~> ('SELECT 1 AS mail' & 'SELECT 2 AS report')",
                "order 4711");
        mapping = start(
                "page_ann",
                "'SELECT 4712 AS id' |=> 'o' ~> (df.map('SELECT n FROM generate_series(1, 6) n',"
                        + " df.if('SELECT $item.n > 3', df.sleep(3600), 'SELECT $item.n * 2')) |=> 'parcels'"
                        + " & (df.wait_for_signal('payment', 86400) | df.sleep(7200))) ~> 'SELECT $o.id AS shipped'",
                "order 4712");
    }

    private static String start(String role, String workflow, String label) {
        String body = JSON.createObjectNode()
                .put("workflow", workflow)
                .put("label", label)
                .toString();
        return world.loggedIn(role).post("/instances", body).body().path("id").asText();
    }

    @Test
    void a_wrong_password_is_said_and_the_right_one_lets_in() {
        visitor.logOut();
        visitor.enter("page_ann", "wrong");
        browser.awaitText("[role=alert]", "password is wrong");
        browser.picture("login");

        visitor.logIn("page_ann");
    }

    @Test
    void of_several_databases_one_is_chosen_and_a_tab_stays_in_it() {
        String archive = world.server.newDatabase();
        DebianServer.execute(world.server.worker(archive), "SELECT df.grant_usage('page_ann')");
        String kept = start("page_ann", "df.wait_for_signal('go')", "kept in orders");
        Dashboard fleet = world.fleet(
                List.of("archive", "away", "orders"),
                Map.of("orders", world.server.worker(world.database), "archive", world.server.worker(archive)));
        try {
            String at = "http://localhost:" + world.listen(fleet);
            browser.go(at + "/#/instances/" + kept);
            browser.awaitText("#databases", "orders");
            assertThat(browser.texts("#databases a")).containsExactly("archive", "away", "orders");
            browser.picture("databases");
            browser.click("#databases li:nth-child(3) a");
            logInTo("orders");
            browser.awaitText("h1, h2, p", "kept in orders");
            browser.click("nav a[href='#/start']");
            browser.type("textarea[name=workflow]", "df.wait_for_signal('go')");
            browser.type("input[name=label]", "started in orders");
            browser.click("form button.main");
            browser.awaitText("#status", "running");

            browser.click("header #database");
            browser.click("#databases li:nth-child(1) a");
            logInTo("archive");
            browser.click("nav a[href='#/instances']");
            browser.awaitText("pd-instances", "");
            assertThat(browser.texts("td")).noneMatch(text -> text.contains("orders"));

            browser.go(at + "/?database=orders#/instances");
            browser.awaitText("td", "started in orders");
            browser.awaitText("header #database", "orders");
            assertThat(browser.texts("header button")).contains("Log out");

            browser.go(at + "/?database=away");
            browser.awaitText("[role=alert]", "has not reached the database away");
            browser.go(at + "/?database=nobodys");
            browser.awaitText("[role=alert]", "no database of this name");
        } finally {
            browser.go("about:blank");
            fleet.close();
        }
    }

    @Test
    void a_page_says_that_the_read_replica_is_none() {
        Dashboard reading = world.reading(world.server.worker(world.database));
        try {
            browser.go("http://localhost:" + world.listen(reading) + "/#/instances");
            visitor.logIn("page_ann");
            browser.awaitText("#note", "leads to a server that is no replica: this is from the primary");
            browser.awaitText("td", "order 4712");
            browser.picture("replica");
        } finally {
            browser.go("about:blank");
            reading.close();
        }
    }

    private static void logInTo(String database) {
        browser.awaitText("#database", database);
        visitor.logIn("page_ann");
        browser.awaitText("header #database", database);
    }

    @Test
    void a_workflow_is_written_drawn_started_waits_and_is_signalled() {
        visitor.become("page_ann");
        browser.click("nav a[href='#/start']");
        browser.type(
                "textarea[name=workflow]",
                "'SELECT 20 AS x' |=> 'a' ~> (df.wait_for_signal('go') & 'SELECT $a + 1 AS y')");
        browser.awaitText("pd-start pre, section pre", "JOIN");
        browser.type("input[name=label]", "started by hand");
        browser.picture("start");
        browser.click("form button.main");
        browser.awaitText("#status", "running");
        browser.awaitText(".now", "SIGNAL 'go'");
        browser.picture("instance-waits");

        browser.click("button[data-action=signal]");
        browser.click("form[aria-label=signal] button.main");
        browser.awaitText("#status", "completed");
        browser.click("nav a[href='#/instances']");
        browser.awaitText("td", "started by hand");
    }

    @Test
    void a_failure_is_shown_at_its_node_and_a_fork_with_another_statement_completes() {
        String id = start(
                "page_ann",
                "'SELECT 1 AS x' |=> 'a' ~> df.if('SELECT true', 'SELECT 1 / ($a - 1) AS y', 'SELECT 2') ~> ('SELECT 3' & 'SELECT 4')",
                "breaks");
        visitor.become("page_ann");
        visitor.open("instances/" + id);
        browser.awaitText("#status", "failed");
        browser.awaitText("div.error", "division by zero");
        browser.awaitText("div.error", "22012");
        browser.picture("instance-failed");

        browser.click("button[data-action=fork]");
        browser.type("form[aria-label=fork] textarea", "SELECT 5 AS y");
        browser.click("form[aria-label=fork] button.main");
        browser.awaitText("p.quiet", "a fork of " + id);
        browser.awaitText("#status", "completed");
    }

    @Test
    void markup_in_labels_results_and_errors_stays_text() {
        String completed = start("page_bob", "SELECT '" + MARKUP.replace("'", "''") + "' AS m", MARKUP);
        String failed =
                start("page_bob", "DO $x$ BEGIN RAISE EXCEPTION '" + MARKUP.replace("'", "''") + "'; END $x$", MARKUP);
        String quoted = MARKUP.replace("'", "''");
        world.sql("page_bob", "SELECT df.create_schedule('" + quoted + "', '0 3 * * *', 'SELECT 1')");
        world.sql("page_bob", "SELECT df.pause_schedule('" + quoted + "', '" + quoted + "')");
        world.sql("page_bob", "SELECT df.create_queue('" + quoted + "')");
        world.sql("page_bob", "SELECT df.define('marked', 'SELECT 1', NULL, '" + quoted + "')");
        world.sql(
                "page_bob",
                "SELECT df.start('SELECT 1', options => pg_catalog.jsonb_build_object('attributes',"
                        + " pg_catalog.jsonb_build_object('m', '" + quoted + "'::text, '" + quoted + "', 1)))");
        visitor.become("page_bob");
        for (String page : List.of("schedules", "queues", "definitions?name=marked", "instances")) {
            visitor.open(page);
            browser.awaitText("td", "<script>");
        }
        visitor.open("instances?text=script");
        browser.awaitText("td", "<script>");
        visitor.open("instances/" + completed);
        browser.awaitText("h1", "<script>");
        browser.awaitText("pre", "<script>");
        visitor.open("instances/" + failed);
        browser.awaitText("div.error", "<script>");

        assertThat(browser.script("return document.title").asText()).isEqualTo("Perdure");
        assertThat(browser.script("return document.querySelectorAll('img').length")
                        .asInt())
                .isZero();
    }

    @Test
    void another_role_sees_nothing_of_it() {
        String id = start("page_ann", "df.wait_for_signal('never')", "only ann's");
        visitor.become("page_dan");
        visitor.open("instances");
        browser.awaitText("p.quiet", "None");
        visitor.open("instances/" + id);
        browser.awaitText("[role=alert]", "no such instance of yours");

        assertThat(browser.texts("*")).noneMatch(text -> text.contains("only ann's"));
    }

    @Test
    void after_a_login_that_is_over_one_is_back_where_one_was() {
        String id = start("page_bob", "df.wait_for_signal('later')", "bob waits");
        visitor.become("page_bob");
        visitor.open("instances/" + id);
        browser.awaitText("h1", "bob waits");
        world.pass(java.time.Duration.ofHours(13));
        browser.await("input[name=role]");
        visitor.logIn("page_bob");

        browser.awaitText("h1", "bob waits");
    }

    @Test
    void the_overview_says_what_failed_and_what_waits_and_the_worker_who_leads() {
        start("page_cay", "SELECT 1 / 0", "cay's failure");
        start("page_cay", "df.wait_for_signal('never')", "cay's wait");
        visitor.become("page_cay");
        visitor.open("overview");
        browser.awaitText("section[aria-label=Failed]", "cay's failure");
        browser.awaitText("section[aria-label=Failed]", "division by zero");
        browser.awaitText("section[aria-label='Not ended']", "cay's wait");
        browser.awaitText("#works", "a worker leads");
        browser.click("nav a[href='#/worker']");
        browser.awaitText("#part", "is not connected");
    }

    @Test
    void all_that_match_a_filter_are_cancelled_after_a_question() {
        for (int i = 0; i < 2; i++) {
            String id = start("page_cay", "df.wait_for_signal('never')", "by the dozen");
            WebClient cay = world.loggedIn("page_cay");
            Awaitility.await(id + " waits").until(() -> cay.get("/instances/" + id)
                    .body()
                    .path("nodes")
                    .path(0)
                    .path("mark")
                    .asText()
                    .equals("running"));
        }
        visitor.become("page_cay");
        visitor.open("instances");
        browser.click("#more-filters");
        browser.type("input[name=label]", "by the dozen\n");
        browser.click("button[data-many=cancel]");
        browser.awaitText("pre", "SELECT * FROM df.cancel_many('{\"label\":\"by the dozen\"}');");
        browser.click("form button.main");
        browser.awaitText("p[role=status]", "2 done, 0 skipped");
        browser.awaitText("td", "cancelled");
    }

    @Test
    void a_schedule_a_queue_and_a_definition_are_acted_on() {
        visitor.become("page_ann");
        visitor.open("schedules");
        browser.click("button[data-action=pause]");
        browser.type("input[name=reason]", "holidays");
        browser.click("form[aria-label=pause] button.main");
        browser.awaitText("td", "holidays");
        browser.click("button[data-action=resume]");
        browser.await("button[data-action=pause]");
        browser.click("button[data-action=trigger]");
        browser.awaitText("#status", "completed");

        visitor.open("queues");
        browser.awaitText("tr", "mail ‖ paused");
        browser.click("button[data-action=pause]");
        browser.awaitText("tr", "export ‖ paused");
        browser.click("button[data-action=resume]");
        browser.await("button[data-action=pause]");

        visitor.open("definitions?name=invoice");
        browser.awaitText("section pre", "SQL: SELECT");
        browser.click("a[href='#/start?definition=invoice']");
        browser.type("input[name='arg customer']", "O'Brien & <b>Sons</b>");
        browser.click("button[data-action=sql]");
        browser.awaitText("pre", "df.call('invoice', '{\"customer\":\"O''Brien & <b>Sons</b>\"}')");
        browser.click("form button.main");
        browser.awaitText("#status", "completed");
        browser.click("g[data-id]");
        browser.awaitText("pre", "O'Brien & <b>Sons</b>");
    }

    @Test
    void a_task_is_decided_with_a_comment_and_others_stay_where_they_are() {
        String one =
                start("page_eva", "df.approval('First?', '{page_fay}') |=> 'd' ~> 'SELECT $d.comment AS said'", "asks");
        String two = start("page_eva", "df.approval('Second?', '{page_fay}')", "asks too");
        Awaitility.await().until(() -> world.sql("page_fay", "SELECT count(*) FROM df.tasks")
                .equals("2"));
        visitor.become("page_fay");
        visitor.open("tasks");
        browser.awaitText(".task h2", "First?");
        assertThat(browser.texts(".task h2").size()).isEqualTo(2);
        browser.type(".task textarea[name=comment]", "it's <b>fine</b>");
        browser.click(".task button.main");
        browser.awaitText("p[role=status]", "is decided: approved");
        browser.awaitText(".task p", "Decided, or over.");
        assertThat(browser.texts(".task h2")).containsExactly("First?", "Second?");
        Awaitility.await().until(() -> world.sql("page_eva", "SELECT df.status('" + one + "')")
                .equals("completed"));
        assertThat(world.sql("page_eva", "SELECT df.result('" + one + "')")).contains("it's <b>fine</b>");
        browser.type(".task input[name=decision]", "later");
        browser.click(".task button[data-action=word]");
        browser.awaitText("p[role=status]", "is decided: later");
        Awaitility.await().until(() -> world.sql("page_eva", "SELECT df.status('" + two + "')")
                .equals("completed"));
    }

    @Test
    void whoever_opens_an_address_sees_what_it_does_and_a_button_does_it() {
        String id = start(
                "page_eva",
                "'SELECT ''{sys_decision_url:approved}'' AS url' & df.approval('By mail?', '{page_eva}')",
                "mail");
        String path = Awaitility.await()
                .until(
                        () -> world.sql(
                                "page_eva",
                                "SELECT coalesce(max(substring(executed_query from '/api/v1/answers/[A-Za-z0-9._-]+')), '')"
                                        + " FROM df.nodes WHERE instance_id = '" + id + "'"),
                        found -> !found.isEmpty());
        Awaitility.await().until(() -> world.sql("page_eva", "SELECT count(*) FROM df.tasks WHERE title = 'By mail?'")
                .equals("1"));
        browser.go(base + path);
        browser.awaitText("h1", "Decide");
        browser.type("textarea[name=comment]", "from the train");
        browser.picture("answer");
        browser.click("form button");
        browser.awaitText("p[role=status]", "Thank you");
        browser.picture("answered");
        Awaitility.await().until(() -> world.sql("page_eva", "SELECT df.status('" + id + "')")
                .equals("completed"));
        assertThat(world.sql("page_eva", "SELECT df.result('" + id + "')")).contains("from the train");
    }

    @Test
    void titles_of_tasks_stay_text_and_a_quorum_says_how_many_have_decided() {
        visitor.become("page_bob");
        visitor.open("tasks");
        browser.awaitText(".task h2", "Pay 950 EUR to <script>document.title='owned'</script>");
        assertThat(browser.script("return document.title").asText()).isEqualTo("Perdure");
        assertThat(browser.texts(".task h2").toString()).doesNotContain("newsletter");
    }

    @Test
    void activities_say_who_claims_them_and_that_nobody_does() {
        visitor.become("page_ann");
        visitor.open("activities");
        browser.awaitText("tr", "no program claims 'thumbnail'");
        browser.click("a[href='#/activities?kind=embed']");
        browser.awaitText("tr", "▶ claimed by page_ann");
        browser.awaitText("tr", "{\"done\": 7}");
    }

    @Test
    void a_map_shows_how_far_it_is_and_a_timeline_when_what_ran() {
        visitor.become("page_ann");
        visitor.open("instances/" + mapping);
        browser.awaitText(".now", "works on MAP (3 of 6");
        browser.await("rect.done");
        browser.click("button[role=tab]:nth-of-type(2)");
        browser.await("rect.bar");
        browser.click("button[data-action=sql]");
        browser.awaitText("pre", "SELECT df.start(E'{\"node_type\":\"THEN\"");
    }

    /** By itself a page that is told of changes would ask after ten seconds. */
    @Test
    void what_happens_elsewhere_is_shown_at_once() {
        visitor.become("page_ann");
        String waits = start("page_ann", "df.wait_for_signal('go')", "signalled elsewhere");
        visitor.open("instances/" + waits);
        browser.awaitText(".now", "SIGNAL 'go'");
        visitor.awaitLive();
        long began = System.nanoTime();
        world.loggedIn("page_ann").post("/instances/" + waits + "/signal", "{\"name\":\"go\"}");
        browser.awaitText("#status", "completed");
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(8));
        visitor.open("instances");
        String started = start("page_ann", "SELECT 1", "started elsewhere");
        browser.awaitText("td", started);
    }

    @Test
    void what_waits_says_for_what() {
        visitor.become("page_ann");
        visitor.open("instances/" + held);
        browser.awaitText(".now", "waits for a slot of queue mail, key eu, which is paused");
        String retries = start("page_ann", "df.retry('SELECT 1 / 0', 3, '1 hour')", "tries again");
        visitor.open("instances/" + retries);
        browser.awaitText(".now", "attempt 2 of 3");
        browser.awaitText(".now", "division by zero");
    }

    @Test
    void a_page_says_that_the_worker_is_away_and_goes_on_by_itself() throws SQLException {
        TestDatabase embedded = PostgresServer.get().newDatabase();
        embedded.createUser(EmbeddedServer.PEOPLE);
        Dashboard before = world.dashboard(embedded.url(), false, EmbeddedServer.PEOPLE);
        int port = world.listen(before);
        browser.go("http://localhost:" + port + "/#/worker");
        browser.click("#try-out");
        browser.awaitText("p[role=status]", "No worker leads");
        before.close();
        browser.awaitText("p[role=status]", "The worker does not answer since");
        Dashboard after = world.dashboard(embedded.url(), false, EmbeddedServer.PEOPLE);
        world.listen(after, port);
        try {
            browser.awaitText("p[role=status]", "No worker leads");
            browser.awaitText("h1", "Worker");
            assertThat(browser.texts("#role")).containsExactly(EmbeddedServer.PEOPLE);
        } finally {
            after.close();
            browser.complaints();
        }
    }

    @ParameterizedTest
    @CsvSource({"light,1600", "dark,1600", "light,400", "dark,400"})
    void each_page_fits(String scheme, int width) {
        visitor.become("page_ann");
        browser.size(width, 1000);
        browser.scheme(scheme);
        try {
            for (String page : List.of(
                    "overview",
                    "instances",
                    "instances/" + mapping,
                    "instances/" + broken,
                    "start",
                    "schedules",
                    "queues",
                    "definitions?name=invoice",
                    "tasks",
                    "activities",
                    "worker")) {
                visitor.open(page);
                browser.await("h1");
                browser.await("table, svg, dl, .task");
                String name =
                        page.replace(mapping, "map").replace(broken, "failed").replaceAll("\\W", "-");
                browser.picture(name + "-" + scheme + "-" + width);
                assertThat(browser.script("return document.documentElement.scrollWidth")
                                .asInt())
                        .as(page)
                        .isLessThanOrEqualTo(width);
            }
        } finally {
            browser.size(1600, 1000);
            browser.scheme("light");
        }
    }

    /** Those of README and docs: {@code -Dperdure.pictures.write=true} writes them. */
    @Test
    void pictures_for_the_documentation_are_there() {
        visitor.become("page_ann");
        browser.size(1100, 640);
        try {
            for (String page : List.of("overview", "instances/" + mapping, "instances/" + broken)) {
                visitor.open(page);
                browser.await("svg");
                browser.await("pre, section");
                String name = "dashboard-"
                        + page.replace("instances/" + mapping, "instance").replace("instances/" + broken, "failure");
                browser.picture(name);
                if (Boolean.getBoolean("perdure.pictures.write")) {
                    browser.pictureTo(Path.of("docs", "images", name + ".png"));
                }
                assertThat(Path.of("docs", "images", name + ".png")).exists();
            }
        } finally {
            browser.size(1600, 1000);
        }
    }
}
