package dev.perdure.database;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.util.Optional;

/**
 * The encryption that a URL asks for, in the terms of
 * <a href="https://www.postgresql.org/docs/current/libpq-ssl.html">libpq</a>.
 *
 * @param mode {@code disable}, {@code allow}, {@code prefer}, {@code require}, {@code verify-ca} or {@code verify-full}
 * @param rootCertificate the PEM file to trust, {@code system} for what the Java runtime trusts
 */
record Tls(String mode, Optional<String> rootCertificate, Optional<String> certificate, Optional<String> key) {

    private static final String SYSTEM = "system";

    static Tls of(DatabaseUrl url) {
        Optional<String> root = url.parameter("sslrootcert").or(() -> defaultRootCertificate(url));
        boolean system = root.filter(SYSTEM::equals).isPresent();
        String mode = url.parameter("sslmode").orElse(system ? "verify-full" : "prefer");
        if (mode.equals("require") && url.parameter("sslrootcert").isPresent()) {
            mode = "verify-ca"; // as libpq does
        }
        Tls tls = new Tls(mode, root, url.parameter("sslcert"), url.parameter("sslkey"));
        tls.check();
        return tls;
    }

    /** Of the key that belongs to a certificate: {@code RSA}, {@code EC} and so on. */
    static String keyAlgorithm(String certificate) {
        try (InputStream in = Files.newInputStream(Path.of(certificate))) {
            return CertificateFactory.getInstance("X.509")
                    .generateCertificate(in)
                    .getPublicKey()
                    .getAlgorithm();
        } catch (IOException | CertificateException e) {
            throw new InvalidDatabaseUrlException("The database URL cannot be used: the file of sslcert, " + certificate
                    + ", is no certificate in PEM: " + e.getMessage());
        }
    }

    boolean verifies() {
        return mode.startsWith("verify-");
    }

    boolean trustsSystem() {
        return rootCertificate.filter(SYSTEM::equals).isPresent();
    }

    private void check() {
        if (trustsSystem() && !mode.equals("verify-full")) {
            throw new InvalidDatabaseUrlException("The database URL cannot be used: sslrootcert=system needs"
                    + " sslmode=verify-full, anybody can own a certificate that the system trusts");
        }
        if (verifies() && rootCertificate.isEmpty()) {
            throw new InvalidDatabaseUrlException("The database URL cannot be used: sslmode=" + mode
                    + " needs sslrootcert=<PEM file>, or sslrootcert=system for the authorities that Java trusts");
        }
        if (verifies() && !trustsSystem()) {
            readable("sslrootcert", rootCertificate);
        }
        readable("sslcert", certificate);
        readable("sslkey", key);
        if (certificate.isPresent() != key.isPresent()) {
            throw new InvalidDatabaseUrlException(
                    "The database URL cannot be used: sslcert and sslkey are given together or not at all");
        }
    }

    private static void readable(String parameter, Optional<String> file) {
        file.filter(name -> !Files.isReadable(Path.of(name))).ifPresent(name -> {
            throw new InvalidDatabaseUrlException("The database URL cannot be used: the file of " + parameter + ", "
                    + name + ", does not exist or is not readable");
        });
    }

    private static Optional<String> defaultRootCertificate(DatabaseUrl url) {
        Path file = Path.of(System.getProperty("user.home", ""), ".postgresql", "root.crt");
        boolean wanted = url.parameter("sslmode")
                .filter(mode -> mode.startsWith("verify-"))
                .isPresent();
        return wanted && Files.isReadable(file) ? Optional.of(file.toString()) : Optional.empty();
    }
}
