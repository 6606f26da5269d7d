package dev.perdure.setup;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.session.SubmitterLogin;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import org.postgresql.util.PasswordUtil;

/**
 * The passwords that the worker has: those that it knows already, and new ones, which go to its
 * <a href="https://www.postgresql.org/docs/current/libpq-pgpass.html">password file</a>. The server is sent what it keeps of a
 * password (SCRAM), never the password.
 */
public final class PasswordBook {

    private static final int BYTES = 24;

    private final DatabaseUrl worker;
    private final SubmitterLogin login;
    private final Path file;
    private final SecureRandom random = new SecureRandom();

    /**
     * @param worker the worker's URL, which names the file
     * @param login where the worker finds passwords of submitters besides
     */
    public PasswordBook(DatabaseUrl worker, SubmitterLogin login, Path file) {
        this.worker = worker;
        this.login = login;
        this.file = file;
    }

    /** The password file. */
    public Path file() {
        return file;
    }

    /** The password with which the worker would log in now. */
    Optional<String> known(String role) throws SQLException {
        boolean isOwner = role.equals(worker.user());
        DatabaseUrl url = isOwner ? worker : login.loginAs(worker, role);
        if (url.password().isPresent() || !Files.exists(file)) {
            return url.password();
        }
        Properties properties = url.withParameter("passfile", file.toString()).jdbcProperties();
        return Optional.ofNullable(properties.getProperty("password"));
    }

    /** A new password, which nobody has to type. */
    String invent() {
        byte[] bytes = new byte[BYTES];
        random.nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /** The verifier that the server stores for a password. */
    static String verifier(String role, String password) throws SQLException {
        return PasswordUtil.encodePassword(role, password.toCharArray(), "scram-sha-256");
    }

    /** Writes a password into the file, in place of the one that is there. Only its owner may read the file. */
    public void write(String role, String password) throws SetupException {
        try {
            replace(role, password);
        } catch (IOException e) {
            throw new SetupException(
                    "The password file " + file + ", where the worker finds new passwords, cannot be written ("
                            + e.getClass().getSimpleName().replace("Exception", "") + ": " + e.getMessage()
                            + "). Name a file that this user may write by passfile in the URL, PGPASSFILE or --password-file, and run"
                            + " this again.");
        }
    }

    private void replace(String role, String password) throws IOException {
        List<String> lines = new ArrayList<>(Files.exists(file) ? Files.readAllLines(file) : List.of());
        for (DatabaseUrl.Host host : worker.hosts()) {
            String begin =
                    field(host.name()) + ":" + host.port() + ":" + field(worker.database()) + ":" + field(role) + ":";
            lines.removeIf(line -> line.startsWith(begin));
            // The first line that fits decides.
            lines.add(0, begin + field(password));
        }
        Path directory = file.toAbsolutePath().getParent();
        if (directory != null) {
            Files.createDirectories(directory);
        }
        Path written = isPosix(file)
                ? Files.createTempFile(
                        directory,
                        "pgpass",
                        null,
                        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))
                : Files.createTempFile(directory, "pgpass", null);
        Files.write(written, lines, StandardCharsets.UTF_8);
        Files.move(written, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static boolean isPosix(Path file) {
        return file.getFileSystem().supportedFileAttributeViews().contains("posix");
    }

    private static String field(String text) {
        return text.replace("\\", "\\\\").replace(":", "\\:");
    }
}
