package dev.perdure.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.perdure.web.WebClient.Answer;
import dev.perdure.web.login.Groups;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A proxy that names the groups of whoever sends a request. */
class OutsideTest {

    private static final String HEADER = "X-Groups";
    private static final Groups GROUPS = new Groups(
            Map.of("operators", "out_operator", "auditors", "out_auditor", "roots", "out_root", "own", "df_worker"));

    private static WebWorld world;
    private static Dashboard behindProxy;
    private static Dashboard elsewhere;
    private static int port;
    private static int elsewherePort;

    @BeforeAll
    static void begin() {
        world = new WebWorld("out_operator", "out_auditor", "out_root");
        world.server.asSuperuser("postgres", "ALTER ROLE out_root REPLICATION");
        behindProxy = dashboard("127.0.0.0/8", "::1");
        elsewhere = dashboard("10.0.0.0/8", "fd00::/8");
        port = world.listen(behindProxy);
        elsewherePort = world.listen(elsewhere);
    }

    private static Dashboard dashboard(String... addresses) {
        Outside outside = new Outside(GROUPS, Proxy.of(List.of(addresses), HEADER), null);
        return world.dashboard(world.server.worker(world.database), outside, false, null);
    }

    @AfterAll
    static void end() {
        behindProxy.close();
        elsewhere.close();
        world.close();
    }

    private static WebClient by(String groups) {
        return new WebClient(port).with(HEADER, groups);
    }

    @Test
    void whoever_a_proxy_names_is_the_role_of_the_group() {
        WebClient operator = by("others, operators");
        Answer session = operator.get("/session");
        assertThat(session.body().path("role").asText()).isEqualTo("out_operator");
        assertThat(session.body().path("proxied").asBoolean()).isTrue();

        operator.csrf = session.body().path("csrf").asText();
        Answer started = operator.post("/instances", "{\"workflow\":\"SELECT 1\"}");
        assertThat(started.status()).as(started.text()).isEqualTo(200);
        String id = started.body().path("id").asText();
        assertThat(operator.get("/instances/" + id).body().path("submitted_by").asText())
                .isEqualTo("out_operator");
        assertThat(by("auditors").get("/instances/" + id).status()).isEqualTo(404);
    }

    @Test
    void a_change_needs_the_token_since_a_browser_is_let_in_whatever_page_sends_it() {
        WebClient operator = by("operators");
        assertThat(operator.post("/instances", "{\"workflow\":\"SELECT 1\"}").status())
                .isEqualTo(403);
        operator.csrf = by("auditors").get("/session").body().path("csrf").asText();
        assertThat(operator.post("/instances", "{\"workflow\":\"SELECT 1\"}").status())
                .isEqualTo(403);
        assertThat(by("operators")
                        .with("Sec-Fetch-Site", "cross-site")
                        .get("/instances")
                        .status())
                .isEqualTo(403);
    }

    @Test
    void from_an_address_that_is_not_listed_the_header_means_nothing() {
        WebClient liar = new WebClient(elsewherePort).with(HEADER, "operators");
        assertThat(liar.get("/worker").status()).isEqualTo(401);
        assertThat(liar.get("/session").body().has("role")).isFalse();
        WebClient named = new WebClient(elsewherePort)
                .with(HEADER, "operators")
                .with("X-Forwarded-For", "10.0.0.1")
                .with("Forwarded", "for=10.0.0.1");
        assertThat(named.get("/worker").status()).isEqualTo(401);
        assertThat(new WebClient(world.port)
                        .with(HEADER, "operators")
                        .get("/worker")
                        .status())
                .as("where no proxy is configured")
                .isEqualTo(401);
        assertThat(new WebClient(port).get("/worker").status())
                .as("the proxy names nobody")
                .isEqualTo(401);
    }

    @Test
    void a_header_that_is_there_twice_is_refused_as_one_may_be_the_senders() {
        Answer twice = by("auditors").with(HEADER, "operators").get("/worker");
        assertThat(twice.status()).isEqualTo(400);
        assertThat(by("auditors")
                        .with(HEADER.toLowerCase(java.util.Locale.ROOT), "operators")
                        .get("/session")
                        .status())
                .isEqualTo(400);
    }

    @Test
    void groups_without_a_role_and_roles_that_are_too_mighty_are_refused() {
        assertThat(by("guests").get("/worker").status()).isEqualTo(403);
        assertThat(by("").get("/worker").status()).isEqualTo(403);
        assertThat(by("Operators").get("/worker").status()).as("another name").isEqualTo(403);
        Answer mighty = by("roots").get("/worker");
        assertThat(mighty.status()).isEqualTo(403);
        assertThat(mighty.text()).contains("too mighty");
        Answer without = by("own").get("/worker");
        assertThat(without.status()).as(without.text()).isEqualTo(403);
        assertThat(without.text()).contains("The worker cannot log in as the role of your group");
    }

    @Test
    void with_two_roles_a_client_says_which_and_a_browser_has_the_first_until_one_is_chosen() {
        assertThat(by("auditors,operators").get("/worker").status()).isEqualTo(403);
        WebClient browser = by("auditors,operators").with("Sec-Fetch-Mode", "cors");
        Answer session = browser.get("/session");
        assertThat(session.body().path("role").asText()).isEqualTo("out_auditor");
        assertThat(session.body().path("roles")).hasSize(2);

        browser.csrf = session.body().path("csrf").asText();
        Answer chosen = browser.post("/session/role", "{\"role\":\"out_operator\"}");
        assertThat(chosen.status()).as(chosen.text()).isEqualTo(204);
        browser.cookie = chosen.response()
                .headers()
                .firstValue("Set-Cookie")
                .orElseThrow()
                .split(";", 2)[0];
        assertThat(browser.get("/session").body().path("role").asText()).isEqualTo("out_operator");
        browser.csrf = browser.get("/session").body().path("csrf").asText();
        assertThat(browser.post("/session/role", "{\"role\":\"out_root\"}").status())
                .isEqualTo(403);
        browser.cookie = Cookies.OF_ONLY.chosenRole() + "=out_root";
        assertThat(browser.get("/session").body().path("role").asText())
                .as("a choice that is none")
                .isEqualTo("out_auditor");
    }

    @Test
    void what_is_no_address_is_refused() {
        assertThatThrownBy(() -> Proxy.of(List.of("10.0.0.0/8", "proxy.example.org"), HEADER))
                .hasMessage("proxy.example.org");
    }
}
