package dev.perdure.web;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.containsString;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.testing.DebianServer;
import dev.perdure.testing.FreePort;
import dev.perdure.testing.Slow;
import dev.perdure.testing.TcpGate;
import dev.perdure.web.WebClient.Answer;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** The dashboard of a worker with several databases: on two servers, one that cannot be reached, one that is cut off. */
@QuarkusTest
@TestProfile(WebFleetTest.Several.class)
@QuarkusTestResource(value = WebFleetTest.World.class, restrictToAnnotatedClass = true)
@EnabledIf("isInstalled")
@Slow("several workers and databases")
class WebFleetTest {

    /** Both servers have it, with another password each. */
    private static final String ROLE = "fleet_ann";

    private static final String OTHER_PASSWORD = "another one";
    private static final String HEADER = "X-Groups";
    private static final String START = "{\"workflow\":\"df.wait_for_signal('go')\"}";

    private static DebianServer server;
    private static DebianServer other;
    private static String orders;
    private static String archive;
    private static String billing;
    private static TcpGate gate;
    private static OpenIdProvider provider;

    @ConfigProperty(name = "perdure.web.port")
    int port;

    static boolean isInstalled() {
        return DebianServer.find().isPresent();
    }

    /** A profile of its own. */
    public static final class Several implements QuarkusTestProfile {}

    /** Servers, databases, a provider. */
    public static final class World implements QuarkusTestResourceLifecycleManager {

        @Override
        public Map<String, String> start() {
            server = DebianServer.get();
            other = DebianServer.own(Map.of());
            orders = server.newDatabase();
            archive = server.newDatabase();
            String late = server.newDatabase();
            billing = other.newDatabase();
            server.createUser(ROLE, orders);
            DebianServer.execute(server.worker(archive), "SELECT df.grant_usage('" + ROLE + "')");
            DebianServer.execute(server.worker(late), "SELECT df.grant_usage('" + ROLE + "')");
            other.createUser(ROLE, billing);
            other.asSuperuser(billing, "ALTER ROLE " + ROLE + " PASSWORD '" + OTHER_PASSWORD + "'");
            gate = new TcpGate(server.port());
            gate.open();
            int providerPort = FreePort.find();
            provider = new OpenIdProvider(providerPort);
            int port = FreePort.find();
            Map<String, String> settings = new LinkedHashMap<>();
            settings.put("perdure.databases.orders.url", server.worker(orders).toUri());
            settings.put("perdure.databases.archive.url", server.worker(archive).toUri());
            settings.put("perdure.databases.billing.url", other.worker(billing).toUri());
            settings.put(
                    "perdure.databases.late.url",
                    server.url(gate.port(), "df_worker", DebianServer.password("df_worker"), late)
                            .toUri());
            settings.put("perdure.databases.away.url", "postgresql://df_worker@127.0.0.1:1/app");
            settings.put("perdure.login.passwords." + ROLE, DebianServer.password(ROLE));
            settings.put("perdure.databases.billing.login.passwords." + ROLE, OTHER_PASSWORD);
            settings.put("perdure.web.enabled", "true");
            settings.put("perdure.web.host", "127.0.0.1");
            settings.put("perdure.web.port", Integer.toString(port));
            settings.put("perdure.web.public-url", "http://127.0.0.1:" + port);
            settings.put("perdure.web.roles.sellers", ROLE);
            settings.put("perdure.databases.billing.web.roles.accountants", ROLE);
            settings.put("perdure.web.proxy.addresses", "127.0.0.0/8");
            settings.put("perdure.web.proxy.header", HEADER);
            settings.putAll(OpenIdProvider.settings(providerPort));
            return settings;
        }

        @Override
        public void stop() {
            gate.close();
            provider.close();
            other.close();
        }
    }

    @BeforeEach
    void served() {
        for (String database : List.of("orders", "archive", "billing", "late")) {
            await("the dashboard of " + database)
                    .ignoreExceptions()
                    .atMost(Duration.ofSeconds(60))
                    .until(() -> at(database).get("/session").status() == 200);
        }
    }

    private WebClient at(String database) {
        return new WebClient(port).with(Choice.HEADER, database);
    }

    private static String passwordIn(String database) {
        return database.equals("billing") ? OTHER_PASSWORD : DebianServer.password(ROLE);
    }

    private WebClient loggedIn(String database) {
        WebClient client = at(database);
        Answer answer = client.login(ROLE, passwordIn(database));
        assertThat(answer.status()).as(answer.text()).isEqualTo(200);
        return client;
    }

    private WebClient byPassword(String database) {
        return at(database).withPassword(ROLE, passwordIn(database));
    }

    private static String title(Answer answer) {
        return answer.body().path("title").asText();
    }

    private static String sql(String database, String statement) {
        DebianServer of = database.equals("billing") ? other : server;
        String name = database.equals("billing") ? billing : database.equals("orders") ? orders : archive;
        try (Connection session = of.superuser(name).connect();
                Statement run = session.createStatement();
                ResultSet rows = run.executeQuery(statement)) {
            return rows.next() ? String.valueOf(rows.getString(1)) : "";
        } catch (SQLException e) {
            throw new IllegalStateException(statement, e);
        }
    }

    private static String instances(String database) {
        return sql(database, "SELECT count(*) FROM df.instances");
    }

    private static String idOf(Answer started) {
        assertThat(started.status()).as(started.text()).isEqualTo(200);
        return started.body().path("id").asText();
    }

    // ---- naming a database

    @Test
    void a_request_names_the_database_and_who_names_none_sees_the_names() {
        JsonNode session = new WebClient(port).get("/session").body();
        assertThat(session.path("databases"))
                .extracting(JsonNode::asText)
                .containsExactly("archive", "away", "billing", "late", "orders");
        assertThat(session.has("role")).isFalse();
        assertThat(at("orders").get("/session").body().path("database").asText())
                .isEqualTo("orders");

        Answer none = new WebClient(port).withPassword(ROLE, "x").get("/worker");
        assertThat(none.status()).isEqualTo(400);
        assertThat(none.text()).contains("X-Perdure-Database", "orders");
        assertThat(at("nobodys").get("/worker").status()).isEqualTo(404);
        Answer two = at("orders").get("/worker?database=billing");
        assertThat(two.status()).isEqualTo(400);
        assertThat(title(two)).contains("more than one");
        assertThat(at("orders").with(Choice.HEADER, "billing").get("/worker").status())
                .isEqualTo(400);
        assertThat(new WebClient(port).login(ROLE, passwordIn("orders")).status())
                .as("a login without a database")
                .isEqualTo(400);

        String described = new WebClient(port).get("/openapi.json").text();
        assertThat(described).contains("X-Perdure-Database", "#/components/parameters/database");
        assertThat(new WebClient(port).get("//").status()).as("the page").isEqualTo(200);
    }

    @Test
    void a_program_names_it_in_the_header_or_in_the_address() {
        String id = idOf(byPassword("billing").post("/instances", START));

        Answer found =
                new WebClient(port).withPassword(ROLE, OTHER_PASSWORD).get("/instances/" + id + "?database=billing");
        assertThat(found.body().path("id").asText()).as(found.text()).isEqualTo(id);
        assertThat(byPassword("orders").get("/instances/" + id).status()).isEqualTo(404);
        assertThat(databaseOf(byPassword("billing"))).isEqualTo(billing);
    }

    /** The name on the server of the database that answers. */
    private static String databaseOf(WebClient client) {
        return client.get("/worker").body().path("cluster").path("database").asText();
    }

    // ---- a login is one to one database

    @Test
    void one_role_in_two_databases_has_the_password_of_each() {
        assertThat(at("orders").login(ROLE, OTHER_PASSWORD).status()).isEqualTo(401);
        assertThat(at("billing").login(ROLE, DebianServer.password(ROLE)).status())
                .isEqualTo(401);
        WebClient seller = loggedIn("orders");
        WebClient accountant = loggedIn("billing");

        String sold = idOf(seller.post("/instances", START));
        String billed = idOf(accountant.post("/instances", START));

        assertThat(seller.get("/instances").text()).contains(sold).doesNotContain(billed);
        assertThat(accountant.get("/instances").text()).contains(billed).doesNotContain(sold);
        assertThat(accountant
                        .post("/instances/" + sold + "/cancel", "{}")
                        .body()
                        .path("id")
                        .isMissingNode())
                .isTrue();
        assertThat(sql("orders", "SELECT status FROM df.instances WHERE id = '" + sold + "'"))
                .isNotEqualTo("cancelled");
    }

    @Test
    void the_cookie_of_one_database_is_worth_nothing_in_another() {
        WebClient seller = loggedIn("orders");
        String secret = String.valueOf(seller.cookie).split("=", 2)[1];
        String before = instances("archive");
        String beforeInBilling = instances("billing");

        for (String database : List.of("archive", "billing")) {
            // As a browser would send it, under the name that the other database's cookie has, and under the one of a
            // single database.
            for (String cookie : List.of(
                    String.valueOf(seller.cookie),
                    Cookies.of(database).login() + "=" + secret,
                    Cookies.OF_ONLY.login() + "=" + secret,
                    seller.cookie + "; " + Cookies.of(database).login() + "=" + secret)) {
                WebClient thief = at(database);
                thief.cookie = cookie;
                thief.csrf = seller.csrf;
                assertThat(thief.get("/instances").status()).as(cookie).isEqualTo(401);
                assertThat(thief.post("/instances", START).status()).as(cookie).isEqualTo(401);
                assertThat(thief.get("/session").body().has("role")).isFalse();
                assertThat(thief.send("DELETE", "/session", null).status())
                        .as("logs nobody out")
                        .isEqualTo(204);
                try (EventStream stream = new EventStream(port, "/changes?database=" + database, "Cookie: " + cookie)) {
                    assertThat(stream.status()).isEqualTo(401);
                }
            }
        }
        assertThat(instances("archive")).isEqualTo(before);
        assertThat(instances("billing")).isEqualTo(beforeInBilling);
        assertThat(seller.get("/instances").status()).isEqualTo(200);
    }

    @Test
    void one_browser_is_in_two_databases_and_leaves_one() {
        WebClient seller = loggedIn("orders");
        WebClient accountant = loggedIn("billing");
        String both = seller.cookie + "; " + accountant.cookie;
        seller.cookie = both;
        accountant.cookie = both;

        assertThat(databaseOf(seller)).isEqualTo(orders);
        assertThat(databaseOf(accountant)).isEqualTo(billing);
        String token = accountant.csrf;
        accountant.csrf = seller.csrf;
        assertThat(accountant.post("/instances", START).status())
                .as("the token of the other database's page")
                .isEqualTo(403);
        accountant.csrf = token;
        assertThat(seller.send("DELETE", "/session", null).status()).isEqualTo(204);
        await().until(() -> seller.get("/instances").status() == 401);
        assertThat(accountant.get("/instances").status()).isEqualTo(200);
    }

    @Test
    void guesses_at_a_role_of_one_server_count_together_and_not_those_at_another_server() {
        server.asSuperuser("postgres", "CREATE ROLE fleet_guessed LOGIN PASSWORD 'right'");
        other.asSuperuser("postgres", "CREATE ROLE fleet_guessed LOGIN PASSWORD 'right'");
        DebianServer.execute(other.worker(billing), "SELECT df.grant_usage('fleet_guessed')");
        int guesses = 0;
        Answer answer;
        do {
            answer = at(guesses++ % 2 == 0 ? "orders" : "archive").login("fleet_guessed", "guess " + guesses);
        } while (answer.status() == 401 && guesses < 25);

        assertThat(answer.status()).as("after " + guesses).isEqualTo(429);
        assertThat(guesses).isBetween(11, 13);
        assertThat(at("billing").login("fleet_guessed", "right").status()).isEqualTo(200);
    }

    // ---- what happens, and answers

    @Test
    void a_stream_tells_of_its_database() {
        WebClient seller = loggedIn("orders");
        WebClient accountant = loggedIn("billing");
        String both = "Cookie: " + seller.cookie + "; " + accountant.cookie;
        try (EventStream ofOrders = new EventStream(port, "/changes?database=orders", both);
                EventStream ofBilling = new EventStream(port, "/changes?database=billing", both)) {
            ofOrders.await("worker");
            ofBilling.await("worker");
            String sold = idOf(seller.post("/instances", START));
            String billed = idOf(accountant.post("/instances", START));

            assertThat(ofOrders.await("changed").data().toString())
                    .contains(sold)
                    .doesNotContain(billed);
            assertThat(ofBilling.await("changed").data().toString())
                    .contains(billed)
                    .doesNotContain(sold);
        }
    }

    @Test
    void an_address_comes_back_to_the_database_whose_step_has_handed_it_out() {
        String asks = "{\"workflow\":\"'SELECT ''{sys_signal_url:go}'' AS url' ~> df.wait_for_signal('go')\"}";
        String id = idOf(byPassword("billing").post("/instances", asks));
        String address = await("an address")
                .until(
                        () -> sql(
                                "billing",
                                "SELECT coalesce(max(substring(executed_query from 'http[^'']+')), '') FROM df.nodes WHERE instance_id = '"
                                        + id + "'"),
                        found -> !found.isEmpty());
        String prefix = "http://127.0.0.1:" + port + "/api/v1/answers/billing/";
        assertThat(address).startsWith(prefix);
        String signed = address.substring(prefix.length());
        // What a copy of the database would have.
        String key = sql("billing", "SELECT encode(key, 'hex') FROM df._address_keys WHERE id = 1");
        server.asSuperuser(archive, "UPDATE df._address_keys SET key = decode('" + key + "', 'hex') WHERE id = 1");
        other.asSuperuser(billing, "SELECT 1");

        for (String path : List.of("orders/", "archive/", "", "nobodys/", "billing/billing/")) {
            assertThat(new WebClient(port)
                            .post("/answers/" + path + signed, "{}")
                            .status())
                    .as(path)
                    .isEqualTo(404);
        }
        assertThat(new WebClient(port).post("/answers/away/" + signed, "{}").status())
                .isEqualTo(503);
        Answer page = new WebClient(port).with("Accept", "text/html").get("/answers/billing/" + signed);
        assertThat(page.text()).contains("\"../../../../page.css\"", "Send");

        Answer answered = new WebClient(port).post("/answers/billing/" + signed, "{\"n\": 1}");
        assertThat(answered.body().path("answer").asText()).as(answered.text()).isEqualTo("done");
        await().until(() -> sql("billing", "SELECT status FROM df.instances WHERE id = '" + id + "'")
                .equals("completed"));
        given().get("/q/metrics")
                .then()
                .body(containsString("perdure_answers_total{database=\"billing\",outcome=\"done\"} 1"));
    }

    // ---- a database that is away

    @Test
    void a_database_that_is_away_says_so_and_the_others_let_people_in() {
        Answer never = at("away").login(ROLE, "whatever");
        assertThat(never.status()).isEqualTo(503);
        assertThat(title(never)).contains("has not reached the database away");
        assertThat(never.text()).doesNotContain("127.0.0.1");

        WebClient late = loggedIn("late");
        gate.shut();
        try {
            Answer now = at("late").login(ROLE, passwordIn("late"));
            assertThat(now.status()).isEqualTo(503);
            assertThat(title(now)).contains("does not answer");
            assertThat(late.get("/instances").status()).isEqualTo(503);
            assertThat(loggedIn("orders").get("/instances").status()).isEqualTo(200);
        } finally {
            gate.open();
        }
        await().untilAsserted(() -> assertThat(late.get("/instances").status()).isEqualTo(200));
    }

    // ---- accounts of an organisation

    @Test
    void a_group_has_its_role_in_the_databases_that_say_so() {
        WebClient seller = at("orders").with(HEADER, "sellers");
        assertThat(seller.get("/session").body().path("role").asText()).isEqualTo(ROLE);
        assertThat(at("billing").with(HEADER, "sellers").get("/worker").status())
                .as("billing has groups of its own")
                .isEqualTo(403);
        assertThat(at("billing")
                        .with(HEADER, "accountants")
                        .get("/worker")
                        .body()
                        .path("cluster")
                        .path("database")
                        .asText())
                .isEqualTo(billing);
        assertThat(at("orders").with(HEADER, "accountants").get("/worker").status())
                .isEqualTo(403);

        String token = "Bearer " + provider.token("accountants");
        assertThat(at("billing").with("Authorization", token).get("/worker").status())
                .isEqualTo(200);
        assertThat(at("orders").with("Authorization", token).get("/worker").status())
                .isEqualTo(403);
        assertThat(new WebClient(port)
                        .with("Authorization", token)
                        .get("/worker")
                        .status())
                .isEqualTo(400);
        WebClient changing = at("billing").with(HEADER, "accountants");
        changing.csrf = seller.get("/session").body().path("csrf").asText();
        assertThat(changing.post("/instances", START).status())
                .as("the token of another database's page")
                .isEqualTo(403);
    }

    @Test
    void whoever_comes_back_from_the_provider_is_in_the_database_that_they_left_for() {
        provider.everybodyIsIn("accountants");
        Person person = new Person();
        HttpResponse<String> toProvider = person.go("http://127.0.0.1:" + port + "/login/oidc?database=billing");
        assertThat(toProvider.headers().allValues("Set-Cookie"))
                .anyMatch(cookie -> cookie.startsWith(Cookies.going() + "=billing")
                        && cookie.contains("SameSite=Lax")
                        && cookie.contains("Secure"));
        assertThat(person.follow(toProvider)).isEqualTo("/?database=billing");
        assertThat(person.cookies).containsKey(Cookies.of("billing").login()).doesNotContainKey(Cookies.going());
        WebClient browser = at("billing");
        browser.cookie = person.cookieHeader();
        assertThat(browser.get("/session").body().path("role").asText()).isEqualTo(ROLE);
        WebClient elsewhere = at("orders");
        elsewhere.cookie = person.cookieHeader();
        assertThat(elsewhere.get("/instances").status()).isEqualTo(401);

        Person refused = new Person();
        assertThat(refused.follow(refused.go("http://127.0.0.1:" + port + "/login/oidc?database=orders")))
                .isEqualTo("/?database=orders#/login?why=role");
    }

    private static String location(HttpResponse<String> answer) {
        return answer.headers().firstValue("Location").orElseThrow();
    }

    /** A browser, for which the machine itself is as good as TLS. */
    private static final class Person {
        final Map<String, String> cookies = new HashMap<>();

        String cookieHeader() {
            return cookies.entrySet().stream()
                    .map(each -> each.getKey() + "=" + each.getValue())
                    .collect(Collectors.joining("; "));
        }

        /** Goes where it is sent; answers where of ours that ends. */
        String follow(HttpResponse<String> answer) {
            HttpResponse<String> last = answer;
            while (!location(last).startsWith("/")) {
                last = go(location(last));
            }
            return location(last);
        }

        HttpResponse<String> go(String url) {
            HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url));
            Optional.of(cookieHeader())
                    .filter(header -> !header.isEmpty())
                    .ifPresent(header -> request.header("Cookie", header));
            try {
                HttpResponse<String> answer =
                        HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());
                for (String cookie : answer.headers().allValues("Set-Cookie")) {
                    String[] pair = cookie.split(";", 2)[0].split("=", 2);
                    cookies.put(pair[0], pair[1]);
                    if (cookie.contains("Max-Age=0")) {
                        cookies.remove(pair[0]);
                    }
                }
                return answer;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            }
        }
    }
}
