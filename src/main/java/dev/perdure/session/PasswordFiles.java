package dev.perdure.session;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Locale;
import java.util.Optional;

/**
 * A directory with one file for each role, which holds the role's password: a Kubernetes secret that is mounted, or a
 * directory that something else keeps up to date. A file is read each time a session is opened.
 */
public final class PasswordFiles implements PasswordSource {

    /** PostgreSQL's own limit for passwords is lower; tokens of cloud providers are a few kilobytes. */
    private static final long MAX_BYTES = 64 * 1024;

    private final Path directory;

    /**
     * @param directory need not exist yet
     */
    public PasswordFiles(Path directory) {
        this.directory = directory;
    }

    /**
     * The name of a role's file. Letters, digits, {@code _} and {@code -} stand for themselves, every other byte of the
     * name in UTF-8 is a dot and two hexadecimal digits: {@code Odd role} is {@code Odd.20role}. Nothing else is allowed
     * in the keys of a Kubernetes secret.
     */
    public static String fileName(String role) {
        StringBuilder name = new StringBuilder();
        for (byte b : role.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            boolean plain =
                    c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-';
            if (plain) {
                name.append(c);
            } else {
                name.append(String.format(Locale.ROOT, ".%02x", (int) c));
            }
        }
        return name.toString();
    }

    @Override
    public Optional<String> passwordOf(String role) throws SQLException {
        Path file = directory.resolve(fileName(role));
        try {
            if (!Files.exists(file)) {
                return Optional.empty();
            }
            if (!Files.isRegularFile(file)) {
                throw new SQLException("the password file " + file + " is no regular file", "28P01");
            }
            if (Files.size(file) > MAX_BYTES) {
                throw new SQLException(
                        "the password file " + file + " is larger than " + MAX_BYTES + " bytes", "28P01");
            }
            // An editor or echo ends the line; a password of PostgreSQL cannot.
            String password = Files.readString(file).replaceFirst("\\r?\\n\\z", "");
            if (password.isEmpty()) {
                throw new SQLException("the password file " + file + " is empty", "28P01");
            }
            return Optional.of(password);
        } catch (IOException e) {
            throw new SQLException("the password file " + file + " cannot be read: " + e, "28P01", e);
        }
    }
}
