package dev.perdure.embedded;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Contents of {@code postmaster.pid} in a data directory; see {@code miscadmin.h} of PostgreSQL for its lines.
 *
 * @param pid the postmaster's process
 * @param port where it listens
 * @param ready whether it takes connections
 */
public record PostmasterFile(long pid, int port, boolean ready) {

    /** The running server of a data directory; empty when there is none, whatever file a crash left behind. */
    public static Optional<PostmasterFile> read(Path dataDirectory) {
        try {
            return parse(Files.readAllLines(dataDirectory.resolve("postmaster.pid")))
                    .filter(PostmasterFile::isAlive);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new EmbeddedServerException("Cannot read postmaster.pid in " + dataDirectory, e);
        }
    }

    static Optional<PostmasterFile> parse(List<String> lines) {
        if (lines.size() < 4) {
            return Optional.empty();
        }
        boolean ready = lines.size() >= 8 && lines.get(7).strip().equals("ready");
        try {
            return Optional.of(new PostmasterFile(
                    Long.parseLong(lines.get(0).strip()),
                    Integer.parseInt(lines.get(3).strip()),
                    ready));
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    boolean isAlive() {
        return ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isPresent();
    }
}
