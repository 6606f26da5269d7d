package dev.perdure.database;

import dev.perdure.database.DatabaseUrl.Host;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The <a href="https://www.postgresql.org/docs/current/libpq-pgpass.html">password file of libpq</a>, lines of {@code
 * host:port:database:user:password}. It is the parameter {@code passfile} of the URL, or the environment's PGPASSFILE,
 * and is read each time a session is opened.
 */
final class Passfile {

    private Passfile() {}

    /** The URL's own password, or that of the first line of the password file that fits. */
    static Optional<String> passwordOf(DatabaseUrl url, Host host) {
        return url.password().or(() -> file(url).flatMap(file -> find(file, url, host)));
    }

    private static Optional<Path> file(DatabaseUrl url) {
        return url.parameter("passfile")
                .or(() -> Optional.ofNullable(System.getenv("PGPASSFILE")))
                .filter(name -> !name.isEmpty())
                .map(Path::of);
    }

    private static Optional<String> find(Path file, DatabaseUrl url, Host host) {
        List<String> lines;
        try {
            refuseReadableByOthers(file);
            lines = Files.readAllLines(file);
        } catch (IOException e) {
            throw new InvalidDatabaseUrlException(
                    "The database URL cannot be used: the password file " + file + " cannot be read: " + e);
        }
        List<String> wanted = List.of(
                // libpq calls its own default directory of sockets localhost; a directory is written as it is.
                host.name(), Integer.toString(host.port()), url.database(), url.user());
        return lines.stream()
                .filter(line -> !line.startsWith("#"))
                .map(Passfile::fields)
                .filter(fields -> fields.size() == 5 && fits(fields, wanted))
                .findFirst()
                .map(fields -> fields.get(4));
    }

    private static boolean fits(List<String> fields, List<String> wanted) {
        for (int i = 0; i < wanted.size(); i++) {
            if (!fields.get(i).equals("*") && !fields.get(i).equals(wanted.get(i))) {
                return false;
            }
        }
        return true;
    }

    /** Splits at colons; a backslash takes the next character as it is. The password is the rest, colons included. */
    private static List<String> fields(String line) {
        List<String> fields = new ArrayList<>();
        StringBuilder field = new StringBuilder();
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (c == '\\' && i + 1 < line.length()) {
                field.append(line.charAt(++i));
            } else if (c == ':' && fields.size() < 4) {
                fields.add(field.toString());
                field.setLength(0);
            } else {
                field.append(c);
            }
        }
        fields.add(field.toString());
        return fields;
    }

    private static void refuseReadableByOthers(Path file) throws IOException {
        if (!file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            return;
        }
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
        for (PosixFilePermission permission : permissions) {
            if (!permission.name().startsWith("OWNER")) {
                throw new InvalidDatabaseUrlException("The database URL cannot be used: the password file " + file
                        + " must be accessible to its owner only (chmod 600)");
            }
        }
    }
}
