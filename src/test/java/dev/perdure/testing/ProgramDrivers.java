package dev.perdure.testing;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Drivers for programs in other languages, from the registries of those, fetched once into {@code target/program-drivers}; several processes may
 * want them at the same time.
 */
public final class ProgramDrivers {

    private static final Path ALL = Path.of("target", "program-drivers").toAbsolutePath();
    private static final long PATIENCE_SECONDS = 120;
    private static final String DONE = "installed";

    private ProgramDrivers() {}

    /** Where those of a language are, or will be. */
    public static Path of(String language) {
        return ALL.resolve(language);
    }

    /** Fetches the driver of Python, for {@code PYTHONPATH}. Empty when it is there, else why not. */
    public static Optional<String> python() throws IOException, InterruptedException {
        return fetch("python", "python3", "-m", "pip", "install", "--quiet", "--target", ".", "psycopg[binary]");
    }

    /**
     * Fetches what a command fetches into the folder of its language.
     *
     * @return empty when it is there, else why not: a machine may be without the language, or without its registry
     */
    public static Optional<String> fetch(String language, String... command) throws IOException, InterruptedException {
        Path at = Files.createDirectories(of(language));
        try (FileChannel channel =
                        FileChannel.open(at.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock lock = channel.lock()) {
            assert lock.isValid();
            if (Files.exists(at.resolve(DONE))) {
                return Optional.empty();
            }
            Path log = at.resolve("install.log");
            Process process;
            try {
                process = new ProcessBuilder(command)
                        .directory(at.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
            } catch (IOException e) {
                return Optional.of("there is no " + command[0] + ": " + e.getMessage());
            }
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
                return Optional.of("the driver for " + language + " was not there after " + PATIENCE_SECONDS + " s");
            }
            if (process.exitValue() != 0) {
                return Optional.of("the driver for " + language + " could not be fetched: "
                        + Files.readString(log).strip());
            }
            Files.writeString(at.resolve(DONE), "");
            return Optional.empty();
        }
    }
}
