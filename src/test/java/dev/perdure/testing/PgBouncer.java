package dev.perdure.testing;

import dev.perdure.database.DatabaseUrl;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Assumptions;

/**
 * Debian's PgBouncer before a {@link DebianServer}, with the settings that it is installed with but for the mode: passwords by SCRAM,
 * TLS on both sides. Tests are skipped where the package is not installed ({@code apt-get install pgbouncer}).
 */
public final class PgBouncer implements AutoCloseable {

    private static final Path PROGRAM = Path.of("/usr/sbin/pgbouncer");

    private final DebianServer server;
    private final int port;
    private final Process process;

    private PgBouncer(DebianServer server, int port, Process process) {
        this.server = server;
        this.port = port;
        this.process = process;
    }

    /**
     * Starts one and waits until it answers.
     *
     * @param mode {@code session}, {@code transaction} or {@code statement}
     * @param roles that may log in through it, with {@link DebianServer#password}
     */
    public static PgBouncer start(DebianServer server, String mode, String... roles) {
        Assumptions.assumeTrue(Files.isExecutable(PROGRAM), "PgBouncer is not installed: apt-get install pgbouncer");
        try {
            int port = FreePort.find();
            Path directory = Files.createTempDirectory(server.directory(), "pgbouncer");
            CertificateAuthority.Issued certificate = server.certificate("pgbouncer" + port);
            StringBuilder users = new StringBuilder();
            for (String role : roles) {
                users.append('"')
                        .append(role)
                        .append("\" \"")
                        .append(DebianServer.password(role))
                        .append("\"\n");
            }
            Path authentication = Files.writeString(directory.resolve("users"), users);
            Path configuration = Files.writeString(
                    directory.resolve("pgbouncer.ini"),
                    """
                    [databases]
                    * = host=localhost port=%d
                    [pgbouncer]
                    listen_addr = localhost
                    listen_port = %d
                    unix_socket_dir =
                    auth_type = scram-sha-256
                    auth_file = %s
                    pool_mode = %s
                    client_tls_sslmode = require
                    client_tls_cert_file = %s
                    client_tls_key_file = %s
                    server_tls_sslmode = verify-full
                    server_tls_ca_file = %s
                    """
                            .formatted(
                                    server.port(),
                                    port,
                                    authentication,
                                    mode,
                                    certificate.certificate(),
                                    certificate.key(),
                                    server.certificate()));
            for (Path file :
                    List.of(directory, authentication, configuration, certificate.certificate(), certificate.key())) {
                DebianServer.handOver(file);
            }
            List<String> command = new ArrayList<>(DebianServer.asOrdinaryUser());
            command.addAll(List.of(PROGRAM.toString(), configuration.toString()));
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            PgBouncer started = new PgBouncer(server, port, process);
            Awaitility.await("PgBouncer")
                    .atMost(Duration.ofSeconds(30))
                    .ignoreExceptions()
                    .until(() -> {
                        DebianServer.execute(started.url(roles[0], "postgres"), "SELECT 1");
                        return true;
                    });
            return started;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** How a role reaches a database through it. */
    public DatabaseUrl url(String role, String database) {
        return server.url(port, role, DebianServer.password(role), database);
    }

    @Override
    public void close() {
        process.destroy();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
