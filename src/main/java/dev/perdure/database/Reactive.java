package dev.perdure.database;

import dev.perdure.database.DatabaseUrl.Host;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.PemTrustOptions;
import io.vertx.core.net.TrustOptions;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.pgclient.SslMode;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/** A {@link DatabaseUrl} in the terms of the reactive client. */
final class Reactive {

    private Reactive() {}

    static PgConnectOptions options(DatabaseUrl url, Host host) {
        PgConnectOptions options = new PgConnectOptions()
                .setHost(host.name())
                .setPort(host.port())
                .setDatabase(url.database())
                .setUser(url.user());
        // The client falls back to PGPASSWORD of the environment; a URL without a password means: none.
        options.setPassword(Passfile.passwordOf(url, host).orElse(""));
        options.addProperty(
                "application_name", url.parameter("application_name").orElse("perdure"));
        url.parameter("options").ifPresent(text -> options.addProperty("options", text));
        url.parameter("connect_timeout")
                .map(Integer::parseInt)
                .filter(seconds -> seconds > 0)
                .ifPresent(seconds -> options.setConnectTimeout(seconds * 1000));
        if (host.isSocketDirectory()) {
            options.setSslMode(SslMode.DISABLE); // as in libpq
        } else {
            options.setTcpKeepAlive(true);
            tls(Tls.of(url), options);
        }
        return options;
    }

    private static void tls(Tls tls, PgConnectOptions options) {
        options.setSslMode(SslMode.of(tls.mode()));
        if (tls.verifies()) {
            options.setTrustOptions(trust(tls));
        } else {
            options.setTrustAll(true);
        }
        if (tls.mode().equals("verify-full")) {
            options.setHostnameVerificationAlgorithm("HTTPS");
        } else {
            options.setHostnameVerificationAlgorithm("");
        }
        if (tls.certificate().isPresent()) {
            options.setKeyCertOptions(new PemKeyCertOptions()
                    .setCertPath(tls.certificate().get())
                    .setKeyPath(tls.key().orElseThrow()));
        }
    }

    private static TrustOptions trust(Tls tls) {
        if (!tls.trustsSystem()) {
            return new PemTrustOptions().addCertPath(tls.rootCertificate().orElseThrow());
        }
        try {
            TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            factory.init((@Nullable KeyStore) null);
            return TrustOptions.wrap(factory.getTrustManagers()[0]);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("The Java runtime has no trusted certificate authorities", e);
        }
    }
}
