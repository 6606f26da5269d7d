package dev.perdure.database;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * The file of a client's private key in a form that pgjdbc takes: only its owner may read it. libpq is satisfied, too, with
 * one that belongs to root and that a group may read
 * (<a href="https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-CLIENTCERT">manual</a>), and this is what
 * Kubernetes makes of a Secret that a process without root's rights shall read. Of such a file a private copy is made in
 * the directory for temporary files, again after each change of it (a certificate that was renewed).
 */
final class PrivateKeyFile {

    private static final String ROOT = "root";
    private static final Set<PosixFilePermission> FOREIGN = EnumSet.of(
            PosixFilePermission.GROUP_WRITE,
            PosixFilePermission.GROUP_EXECUTE,
            PosixFilePermission.OTHERS_READ,
            PosixFilePermission.OTHERS_WRITE,
            PosixFilePermission.OTHERS_EXECUTE);
    private static final Map<Path, Copy> COPIES = new HashMap<>();

    /** Tells a file from an earlier one under the same name. */
    private record State(FileTime modified, String fileKey) {}

    private record Copy(Path file, State of) {}

    private PrivateKeyFile() {}

    /**
     * The file to give to pgjdbc: the same, or its private copy. A file that others may read is given as it is, since
     * pgjdbc's message about it says what to do.
     *
     * @throws InvalidDatabaseUrlException when the copy cannot be written
     */
    static Path strict(Path file) {
        if (!FileSystems.getDefault().supportedFileAttributeViews().contains("posix")) {
            return file;
        }
        try {
            PosixFileAttributes attributes = Files.readAttributes(file, PosixFileAttributes.class);
            return belongsToRootAndGroupMayRead(attributes) ? copyOf(file, attributes) : file;
        } catch (IOException e) {
            throw new InvalidDatabaseUrlException("The database URL cannot be used: the key of sslkey, " + file
                    + ", belongs to root and a group may read it, as in a Secret of Kubernetes. No private copy of it could"
                    + " be made in " + System.getProperty("java.io.tmpdir") + ": " + e);
        }
    }

    private static boolean belongsToRootAndGroupMayRead(PosixFileAttributes attributes) {
        Set<PosixFilePermission> permissions = attributes.permissions();
        return attributes.owner().getName().equals(ROOT)
                && permissions.contains(PosixFilePermission.GROUP_READ)
                && permissions.stream().noneMatch(FOREIGN::contains);
    }

    /** Of a file that has not changed, the copy that is there. Sessions that are opened meanwhile never see half a key. */
    private static synchronized Path copyOf(Path file, PosixFileAttributes attributes) throws IOException {
        State state = new State(attributes.lastModifiedTime(), String.valueOf(attributes.fileKey()));
        Copy known = COPIES.get(file);
        if (known != null && known.of().equals(state) && Files.exists(known.file())) {
            return known.file();
        }
        Path copy = known == null ? newDirectory().resolve("client.key") : known.file();
        Path fresh = copy.resolveSibling("client.key.new");
        Files.deleteIfExists(fresh);
        Files.createFile(fresh, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.write(fresh, Files.readAllBytes(file));
        Files.move(fresh, copy, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        copy.toFile().deleteOnExit();
        COPIES.put(file, new Copy(copy, state));
        return copy;
    }

    private static Path newDirectory() throws IOException {
        Path directory = Files.createTempDirectory(
                "perdure-key", PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        directory.toFile().deleteOnExit();
        return directory;
    }
}
