package dev.perdure.step.http;

import io.vertx.core.net.TrustOptions;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/** The authorities of the Java runtime together with those of a PEM file. */
final class TrustedCertificates {

    private TrustedCertificates() {}

    /**
     * Reads the file.
     *
     * @throws IllegalArgumentException when it cannot be read or holds no certificate
     */
    static TrustOptions with(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            int number = 0;
            for (X509Certificate known : known()) {
                store.setCertificateEntry("runtime-" + number++, known);
            }
            int before = number;
            for (Certificate added : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                store.setCertificateEntry("file-" + number++, added);
            }
            if (number == before) {
                throw new IllegalArgumentException("perdure.http.certificates: " + file + " holds no certificate");
            }
            return TrustOptions.wrap(managers(store)[0]);
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalArgumentException("perdure.http.certificates: " + file + " cannot be read: " + e, e);
        }
    }

    private static X509Certificate[] known() throws GeneralSecurityException {
        for (TrustManager manager : managers(null)) {
            if (manager instanceof X509TrustManager x509) {
                return x509.getAcceptedIssuers();
            }
        }
        return new X509Certificate[0];
    }

    private static TrustManager[] managers(@Nullable KeyStore store) throws GeneralSecurityException {
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        return factory.getTrustManagers();
    }
}
