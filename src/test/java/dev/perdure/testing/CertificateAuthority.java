package dev.perdure.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** An authority that issues certificates for tests, by the keytool of the Java that runs. */
public final class CertificateAuthority {

    private static final String PASSWORD = "changeit";
    /** A server of a test calls keytool five times; each call takes half the time without the optimising compiler. */
    private static final List<String> QUICK = List.of("-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC");

    private final Path directory;
    private final String name;

    /**
     * A new authority.
     *
     * @param directory where all files go
     * @param name of the authority and its files
     */
    public CertificateAuthority(Path directory, String name) {
        this.directory = directory;
        this.name = name;
        keytool(List.of("-genkeypair", "-alias", name, "-dname", "CN=" + name, "-ext", "bc:c", "-keyalg", "EC"), name);
        keytool(
                List.of(
                        "-exportcert",
                        "-rfc",
                        "-alias",
                        name,
                        "-file",
                        certificate().toString()),
                name);
    }

    /** The authority's own certificate. */
    public Path certificate() {
        return directory.resolve(name + ".pem");
    }

    /**
     * A certificate with its key.
     *
     * @param certificate PEM
     * @param key PKCS#8 PEM, mode 0600
     */
    public record Issued(Path certificate, Path key) {}

    /**
     * Issues a certificate.
     *
     * @param file the name of its files, without an ending
     * @param extensions in the terms of keytool, such as {@code san=dns:localhost}
     */
    public Issued issue(String file, String commonName, String... extensions) {
        keytool(List.of("-genkeypair", "-alias", file, "-dname", "CN=" + commonName, "-keyalg", "EC"), file);
        Path request = directory.resolve(file + ".csr");
        keytool(List.of("-certreq", "-alias", file, "-file", request.toString()), file);
        Path certificate = directory.resolve(file + ".pem");
        List<String> sign = new ArrayList<>(List.of(
                "-gencert", "-rfc", "-alias", name, "-infile", request.toString(), "-outfile", certificate.toString()));
        for (String extension : extensions) {
            sign.add("-ext");
            sign.add(extension);
        }
        keytool(sign, name);
        return new Issued(certificate, key(file));
    }

    private Path key(String file) {
        try (var in = Files.newInputStream(store(file))) {
            KeyStore keys = KeyStore.getInstance("PKCS12");
            keys.load(in, PASSWORD.toCharArray());
            Key key = keys.getKey(file, PASSWORD.toCharArray());
            Base64.Encoder lines = Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII));
            Path pem = Files.writeString(
                    directory.resolve(file + ".key"),
                    "-----BEGIN PRIVATE KEY-----\n" + lines.encodeToString(key.getEncoded())
                            + "\n-----END PRIVATE KEY-----\n");
            Files.setPosixFilePermissions(pem, PosixFilePermissions.fromString("rw-------"));
            return pem;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private Path store(String file) {
        return directory.resolve(file + ".p12");
    }

    private void keytool(List<String> arguments, String file) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
        command.addAll(QUICK);
        command.addAll(arguments);
        command.addAll(List.of(
                "-keystore", store(file).toString(), "-storetype", "PKCS12", "-storepass", PASSWORD, "-noprompt"));
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new IllegalStateException(command + ": " + said);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
