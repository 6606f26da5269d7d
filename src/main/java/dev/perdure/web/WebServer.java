package dev.perdure.web;

import dev.perdure.config.DatabaseOptions;
import dev.perdure.config.PerdureConfig;
import dev.perdure.config.WebConfig;
import dev.perdure.database.DatabaseReady;
import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.InvalidDatabaseUrlException;
import dev.perdure.embedded.EmbeddedServer;
import dev.perdure.fleet.Databases;
import dev.perdure.fleet.ServedDatabase;
import dev.perdure.session.PasswordSource;
import dev.perdure.session.SubmitterLogin;
import dev.perdure.web.answer.AnswerDesk;
import dev.perdure.web.answer.AnswersOfDatabases;
import dev.perdure.web.api.Api;
import dev.perdure.web.login.Attempts;
import dev.perdure.web.login.Groups;
import dev.perdure.web.login.Logins;
import dev.perdure.web.login.Replica;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.tls.TlsConfiguration;
import io.quarkus.tls.TlsConfigurationRegistry;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerOptions;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Singleton;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Serves the dashboard where it is enabled, from the moment on that the database is ready. Nothing of the worker waits for it. */
@Singleton
class WebServer {

    private static final Logger LOG = Logger.getLogger(WebServer.class);
    private static final int IDLE_SECONDS = 75;
    private static final int MAX_HEADERS = 16 * 1024;

    private final Vertx vertx;
    private final PerdureConfig config;
    private final Databases databases;
    private final TlsConfigurationRegistry certificates;
    private final Instance<IdentityProvider> provider;
    private final boolean withProvider;
    private final AnswersOfDatabases answers;
    private final Attempts attempts = new Attempts(InstantSource.system());
    private volatile @Nullable Dashboard dashboard;
    /** Whether the settings were refused; said once. */
    private boolean isRefused;

    WebServer(
            Vertx vertx,
            PerdureConfig config,
            Databases databases,
            TlsConfigurationRegistry certificates,
            Instance<IdentityProvider> provider,
            AnswersOfDatabases answers,
            @ConfigProperty(name = "quarkus.oidc.tenant-enabled", defaultValue = "false") boolean withProvider) {
        this.provider = provider;
        this.answers = answers;
        this.withProvider = withProvider;
        this.vertx = vertx;
        this.config = config;
        this.databases = databases;
        this.certificates = certificates;
    }

    /** With the first database that is ready it listens; the others come as they are reached. */
    synchronized void begin(@Observes DatabaseReady ready) {
        ServedDatabase served = databases.named(ready.name()).orElseThrow();
        boolean embedded = served.options().url().isEmpty();
        WebConfig web = config.web();
        boolean enabled =
                web.enabled() == WebConfig.Enabled.TRUE || web.enabled() == WebConfig.Enabled.AUTO && embedded;
        if (!enabled || isRefused || !DatabaseOptions.isInWeb(config, served.name())) {
            return;
        }
        Proxy proxy;
        try {
            proxy = Proxy.of(
                    web.proxy().addresses().orElse(List.of()), web.proxy().header());
        } catch (IllegalArgumentException e) {
            isRefused = true;
            LOG.errorf(
                    "There is no dashboard: perdure.web.proxy.addresses has %s, which is no address. The worker works.",
                    e.getMessage());
            return;
        }
        IdentityProvider asked = withProvider ? provider.get() : null;
        Dashboard running = dashboard;
        Dashboard begun = running == null ? new Dashboard(vertx, names(), asked, web.readOnly()) : running;
        serve(
                begun,
                served,
                ready.url(),
                new Outside(new Groups(served.options().webRoles()), proxy, asked));
        if (running == null) {
            dashboard = begun;
            listen(begun, embedded);
        }
    }

    private List<String> names() {
        return databases.all().stream()
                .map(ServedDatabase::name)
                .filter(name -> DatabaseOptions.isInWeb(config, name))
                .toList();
    }

    private void serve(Dashboard begun, ServedDatabase served, DatabaseUrl url, Outside outside) {
        WebConfig web = config.web();
        boolean embedded = served.options().url().isEmpty();
        SubmitterLogin vouched = SubmitterLogin.withPasswords(PasswordSource.of(
                served.options().passwordsDirectory().orElse(null),
                served.options().passwords()));
        Logins logins = Logins.of(
                url,
                vouched,
                web.statementTimeout(),
                replica(served, url, vouched),
                new Logins.Limits(
                        web.maxSessions(),
                        web.idleTimeout().toMillis(),
                        web.maxAge().toMillis(),
                        embedded ? EmbeddedServer.PEOPLE : null),
                attempts,
                InstantSource.system());
        String place = DatabaseOptions.placeOf(served.name());
        begun.serve(
                served.name(),
                logins,
                outside,
                new Api(served.leader()),
                new AnswerDesk(url, place, InstantSource.system(), answers.of(served.name())));
    }

    private @Nullable Replica replica(ServedDatabase served, DatabaseUrl primary, SubmitterLogin vouched) {
        if (served.options().readUrl().isEmpty()) {
            return null;
        }
        try {
            DatabaseUrl url = DatabaseUrl.checked(served.options().readUrl().get());
            return Replica.of(primary, url, vouched, config.web().statementTimeout());
        } catch (InvalidDatabaseUrlException e) {
            LOG.errorf(
                    "The read URL of the database %s cannot be used: %s. The dashboard reads from the primary.",
                    served.name(), e.getMessage());
            return null;
        }
    }

    private void listen(Dashboard begun, boolean embedded) {
        WebConfig web = config.web();
        String host = web.host().orElse(embedded ? "127.0.0.1" : "0.0.0.0");
        HttpServerOptions options = new HttpServerOptions()
                .setHost(host)
                .setPort(web.port())
                .setIdleTimeout(IDLE_SECONDS)
                .setIdleTimeoutUnit(TimeUnit.SECONDS)
                .setMaxHeaderSize(MAX_HEADERS)
                .setHttp2ClearTextEnabled(false);
        Optional<TlsConfiguration> tls = web.tls().flatMap(certificates::get);
        if (web.tls().isPresent() && tls.isEmpty()) {
            LOG.errorf(
                    "There is no dashboard: perdure.web.tls names quarkus.tls.\"%s\", which is not configured. The worker works.",
                    web.tls().get());
            isRefused = true;
            dashboard = null;
            begun.close();
            return;
        }
        tls.ifPresent(found -> secure(found, options));
        begun.listen(options)
                .onSuccess(port -> LOG.infof(
                        "The dashboard is at %s://%s:%d",
                        tls.isPresent() ? "https" : "http",
                        host.equals("0.0.0.0") || host.equals("127.0.0.1") ? "localhost" : host,
                        port))
                .onFailure(e -> LOG.errorf(
                        "There is no dashboard: port %d of %s cannot be used (%s). perdure.web.port names another, perdure.web.enabled=false goes"
                                + " without. The worker works.",
                        web.port(), host, e.getMessage()));
    }

    private static void secure(TlsConfiguration tls, HttpServerOptions options) {
        options.setSsl(true)
                .setUseAlpn(true)
                .setKeyCertOptions(tls.getKeyStoreOptions())
                .setEnabledSecureTransportProtocols(tls.getSSLOptions().getEnabledSecureTransportProtocols());
    }

    void end(@Observes ShutdownEvent event) {
        Dashboard running = dashboard;
        if (running != null) {
            running.close();
        }
    }
}
