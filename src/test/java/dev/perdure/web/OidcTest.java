package dev.perdure.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.FreePort;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import dev.perdure.web.WebClient.Answer;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import io.quarkus.test.junit.QuarkusTest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.CookieManager;
import java.net.HttpCookie;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Logging in by an OpenID provider, which is not there yet when the worker starts. */
@QuarkusTest
@QuarkusTestResource(value = OidcTest.World.class, restrictToAnnotatedClass = true)
class OidcTest {

    private static OpenIdProvider provider;

    @ConfigProperty(name = "perdure.web.port")
    int port;

    @ConfigProperty(name = "oidc-test.provider-port", defaultValue = "0")
    int providerPort;

    /** A database with roles, and settings that name a provider. */
    public static final class World implements QuarkusTestResourceLifecycleManager {
        @Override
        public Map<String, String> start() {
            TestDatabase database = PostgresServer.get().newDatabase();
            try {
                database.createUser("oidc_operator");
                database.createUser("oidc_auditor");
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
            database.asSuperuser("CREATE ROLE oidc_root LOGIN SUPERUSER");
            int providerPort = FreePort.find();
            Map<String, String> settings = new HashMap<>();
            settings.put(
                    "perdure.database.url",
                    "postgresql://" + PostgresServer.OWNER + "@127.0.0.1:"
                            + PostgresServer.get().port() + "/" + database.name());
            settings.put("perdure.web.enabled", "true");
            settings.put("perdure.web.host", "127.0.0.1");
            settings.put("perdure.web.port", Integer.toString(FreePort.find()));
            settings.put("perdure.web.roles.\"app operators\"", "oidc_operator");
            settings.put("perdure.web.roles.auditors", "oidc_auditor");
            settings.put("perdure.web.roles.roots", "oidc_root");
            settings.put("perdure.web.roles.owners", PostgresServer.OWNER);
            settings.putAll(OpenIdProvider.settings(providerPort));
            settings.put("quarkus.oidc.connection-timeout", "2s");
            settings.put("oidc-test.provider-port", Integer.toString(providerPort));
            return settings;
        }

        @Override
        public void stop() {}
    }

    @BeforeEach
    void begin() {
        Awaitility.await("the dashboard")
                .ignoreExceptions()
                .atMost(Duration.ofSeconds(60))
                .until(() -> new WebClient(port).get("/session").status() == 200);
        if (provider == null) {
            assertThat(bearer("no token").get("/worker").status())
                    .as("the provider is away")
                    .isEqualTo(503);
            provider = new OpenIdProvider(providerPort);
        }
    }

    @AfterAll
    static void end() {
        provider.close();
    }

    private WebClient bearer(String token) {
        return new WebClient(port).with("Authorization", "Bearer " + token);
    }

    private static String title(Answer answer) {
        return answer.body().path("title").asText();
    }

    @Test
    void a_client_with_a_token_is_the_role_of_its_group() {
        WebClient operator = bearer(provider.token("app operators", "something else"));

        Answer started = operator.post("/instances", "{\"workflow\":\"SELECT 1\"}");

        assertThat(started.status()).as(started.text()).isEqualTo(200);
        String id = started.body().path("id").asText();
        assertThat(operator.get("/instances/" + id).body().path("submitted_by").asText())
                .isEqualTo("oidc_operator");
        assertThat(bearer(provider.token("auditors")).get("/instances/" + id).status())
                .isEqualTo(404);
        try (EventStream stream =
                new EventStream(port, "/changes", "Authorization: Bearer " + provider.token("app operators"))) {
            assertThat(stream.await("worker").data().has("works")).isTrue();
        }
    }

    @Test
    void a_token_that_is_over_for_somebody_else_or_of_nobody_is_refused() {
        List<String> operators = List.of("app operators");
        String good = provider.token("app operators");
        Map<String, Object> ofOther = provider.claims(OpenIdProvider.CLIENT, Duration.ofMinutes(5), operators);
        ofOther.put("iss", "https://evil.example");

        for (String token : List.of(
                provider.sign(provider.claims(OpenIdProvider.CLIENT, Duration.ofMinutes(-2), operators)),
                provider.sign(provider.claims("another-client", Duration.ofMinutes(5), operators)),
                provider.sign(ofOther),
                provider.forge(provider.claims(OpenIdProvider.CLIENT, Duration.ofMinutes(5), operators)),
                good.substring(0, good.lastIndexOf('.') + 1),
                "no token",
                "")) {
            Answer answer = bearer(token).get("/worker");
            assertThat(answer.status()).as(token + " " + answer.text()).isEqualTo(401);
        }
        assertThat(bearer(good).get("/worker").status()).isEqualTo(200);
    }

    @Test
    void whoever_is_in_no_group_with_a_role_or_in_one_of_too_mighty_a_role_is_refused() {
        Answer none = bearer(provider.token("guests")).get("/worker");
        assertThat(none.status()).isEqualTo(403);
        assertThat(none.text()).contains("perdure.web.roles has no role for guests");
        assertThat(bearer(provider.token()).get("/worker").status()).isEqualTo(403);
        for (String group : List.of("roots", "owners")) {
            Answer mighty = bearer(provider.token(group)).get("/worker");
            assertThat(mighty.status()).isEqualTo(403);
            assertThat(title(mighty)).contains("too mighty");
        }
    }

    @Test
    void whoever_has_two_roles_says_which() {
        String token = provider.token("auditors", "app operators");

        Answer unsaid = bearer(token).get("/instances");
        assertThat(unsaid.status()).isEqualTo(403);
        assertThat(unsaid.text()).contains("X-Perdure-Role").contains("oidc_auditor, oidc_operator");
        Answer operator =
                bearer(token).with("X-Perdure-Role", "oidc_operator").post("/instances", "{\"workflow\":\"SELECT 1\"}");
        assertThat(operator.status()).isEqualTo(200);
        assertThat(bearer(token)
                        .with("X-Perdure-Role", "oidc_auditor")
                        .get("/instances/" + operator.body().path("id").asText())
                        .status())
                .isEqualTo(404);
        assertThat(bearer(token)
                        .with("X-Perdure-Role", "oidc_root")
                        .get("/worker")
                        .status())
                .isEqualTo(403);
    }

    /** A browser: keeps cookies, follows by hand. */
    private final class Person {
        private final CookieManager cookies = new CookieManager();
        private final HttpClient http =
                HttpClient.newBuilder().cookieHandler(cookies).build();

        HttpResponse<String> go(String url) {
            try {
                return http.send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            }
        }

        /** Logs in; answers where the browser is sent at the end. */
        String login() {
            HttpResponse<String> toProvider = go("http://127.0.0.1:" + port + "/login/oidc");
            assertThat(toProvider.statusCode()).as(toProvider.body()).isEqualTo(302);
            HttpResponse<String> back = go(location(toProvider));
            return location(go(location(back)));
        }

        /** Our cookies are for TLS or the machine itself, which this client does not make an exception of. */
        WebClient client(HttpResponse<String> answer) {
            WebClient client = new WebClient(port);
            client.cookie = answer.headers().allValues("Set-Cookie").stream()
                    .filter(each -> each.startsWith(Cookies.OF_ONLY.login() + "="))
                    .findFirst()
                    .orElseThrow()
                    .split(";", 2)[0];
            return client;
        }
    }

    private static String location(HttpResponse<String> answer) {
        return answer.headers().firstValue("Location").orElseThrow();
    }

    @Test
    void a_person_logs_in_at_the_provider_and_has_a_login_of_ours() {
        provider.everybodyIsIn("auditors", "app operators");
        Person person = new Person();
        HttpResponse<String> toProvider = person.go("http://127.0.0.1:" + port + "/login/oidc");
        HttpResponse<String> done = person.go(location(person.go(location(toProvider))));

        assertThat(location(done)).isEqualTo("/");
        assertThat(done.headers().allValues("Set-Cookie"))
                .noneMatch(cookie -> cookie.startsWith("q_session") && !cookie.contains("Max-Age=0"))
                .anyMatch(cookie -> cookie.startsWith(Cookies.OF_ONLY.login() + "=")
                        && cookie.contains("HTTPOnly")
                        && cookie.contains("Secure")
                        && cookie.contains("SameSite=Strict"));
        WebClient client = person.client(done);
        Answer session = client.get("/session");
        assertThat(session.body().path("role").asText()).isEqualTo("oidc_auditor");
        assertThat(session.body().path("roles")).hasSize(2);

        client.csrf = session.body().path("csrf").asText();
        Answer chosen = client.post("/session/role", "{\"role\":\"oidc_operator\"}");
        assertThat(chosen.status()).as(chosen.text()).isEqualTo(204);
        WebClient operator = person.client(chosen.response());
        assertThat(operator.get("/session").body().path("role").asText()).isEqualTo("oidc_operator");
        assertThat(client.get("/worker").status()).as("the login before").isEqualTo(401);
        operator.csrf = operator.get("/session").body().path("csrf").asText();
        assertThat(operator.post("/session/role", "{\"role\":\"oidc_root\"}").status())
                .isEqualTo(403);
    }

    @Test
    void a_person_without_a_role_is_told_so() {
        provider.everybodyIsIn("guests");
        assertThat(new Person().login()).isEqualTo("/#/login?why=role");
        provider.everybodyIsIn("roots");
        assertThat(new Person().login()).isEqualTo("/#/login?why=role");
    }

    @Test
    void nobody_is_logged_in_by_an_answer_that_another_browser_was_sent_for() {
        provider.everybodyIsIn("auditors");
        Person attacker = new Person();
        HttpResponse<String> toProvider = attacker.go("http://127.0.0.1:" + port + "/login/oidc");
        String back = location(attacker.go(location(toProvider)));

        Person victim = new Person();
        HttpResponse<String> refused = victim.go(back);
        assertThat(refused.headers().allValues("Set-Cookie"))
                .noneMatch(cookie -> cookie.startsWith(Cookies.OF_ONLY.login() + "="));
        assertThat(attacker.cookies.getCookieStore().getCookies())
                .extracting(HttpCookie::getName)
                .noneMatch(name -> name.startsWith("q_session"));
    }
}
