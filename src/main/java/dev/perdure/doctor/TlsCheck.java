package dev.perdure.doctor;

import dev.perdure.database.DatabaseUrl;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Check of encryption: the worker sends the data of all submitters. */
final class TlsCheck implements Check {

    @Override
    public String subject() {
        return "TLS";
    }

    @Override
    public List<Finding> look(Patient patient) throws SQLException {
        DatabaseUrl url = patient.url();
        if (url.usesUnixSocket()) {
            return List.of(Finding.ok(subject(), "not needed: a Unix socket"));
        }
        List<@Nullable String> row = patient.row(
                "SELECT s.ssl, concat(s.version, ', ', s.cipher) FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid()");
        boolean verified = url.parameter("sslmode")
                .filter(mode -> mode.startsWith("verify-"))
                .or(() -> url.parameter("sslrootcert"))
                .isPresent();
        if (!"t".equals(row.get(0))) {
            return isLocal(url)
                    ? List.of(Finding.ok(subject(), "none: " + url.hosts().get(0) + " is this machine"))
                    : List.of(
                            Finding.problem(
                                    subject(),
                                    "sessions are not encrypted",
                                    "ssl = on in the server's postgresql.conf, and sslmode=verify-full&sslrootcert=<PEM file> in the URL"));
        }
        return verified
                ? List.of(Finding.ok(subject(), row.get(1) + ", the server's certificate is verified"))
                : List.of(Finding.note(
                        subject(),
                        row.get(1) + ", but the worker takes any server for the right one",
                        "sslmode=verify-full&sslrootcert=<PEM file of the authority> in the URL"));
    }

    private static boolean isLocal(DatabaseUrl url) {
        return url.hosts().stream().allMatch(host -> {
            try {
                return InetAddress.getByName(host.name()).isLoopbackAddress();
            } catch (UnknownHostException e) {
                return false;
            }
        });
    }
}
