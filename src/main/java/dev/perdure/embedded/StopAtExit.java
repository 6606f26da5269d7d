package dev.perdure.embedded;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Stops the server of a data directory when the JVM ends, even one that another JVM started: a JVM that was killed leaves its server
 * behind, and the next one adopts it. A lock on a file beside the directory decides which of several JVMs stops it.
 *
 * <p>There is one hook for each JVM and directory, also after live reloads, which load this class anew: hence system
 * properties in place of static fields (not perdure.*, where unknown ones are refused). The hook waits until the application has ended, which still needs the database.
 */
public final class StopAtExit implements Runnable {

    private static final String REGISTERED = "dev.perdure.embedded.stop-at-exit:";
    private static final String IN_USE = "dev.perdure.embedded.in-use";
    private static final Duration APPLICATION_LIMIT = Duration.ofSeconds(30);
    private static final Duration SERVER_LIMIT = Duration.ofSeconds(20);

    private final Path directory;
    private final FileLock owner;

    private StopAtExit(Path directory, FileLock owner) {
        this.directory = directory;
        this.owner = owner;
    }

    static void register(Path directory) {
        System.setProperty(IN_USE, "true");
        String registered = REGISTERED + directory;
        if (System.getProperty(registered) != null) {
            return;
        }
        @Nullable FileLock owner = tryLock(directory.resolveSibling(directory.getFileName() + ".lock"));
        if (owner != null) {
            System.setProperty(registered, "true");
            Runtime.getRuntime().addShutdownHook(new Thread(new StopAtExit(directory, owner), "stop embedded server"));
        }
    }

    /** The application does not need the server any more. */
    public static void applicationEnded() {
        System.clearProperty(IN_USE);
    }

    @Override
    public void run() {
        try {
            await(APPLICATION_LIMIT, () -> System.getProperty(IN_USE) == null);
            Optional<PostmasterFile> running = PostmasterFile.read(directory);
            if (running.isPresent()) {
                stop(running.get());
            }
            owner.release();
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException("The embedded PostgreSQL of " + directory + " may still run", e);
        }
    }

    /** SIGINT is PostgreSQL's fast shutdown; SIGTERM, which Java can send by itself, would wait for all clients. */
    private static void stop(PostmasterFile server) throws IOException, InterruptedException {
        boolean unix = Files.isExecutable(Path.of("/bin/sh"));
        if (unix) {
            new ProcessBuilder("/bin/sh", "-c", "kill -INT " + server.pid())
                    .start()
                    .waitFor();
        } else {
            ProcessHandle.of(server.pid()).ifPresent(ProcessHandle::destroy);
        }
        await(SERVER_LIMIT, () -> !server.isAlive());
    }

    private static void await(Duration limit, BooleanSupplier done) throws InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        while (!done.getAsBoolean() && System.nanoTime() < deadline) {
            Thread.sleep(20);
        }
    }

    private static @Nullable FileLock tryLock(Path file) {
        try {
            Files.createDirectories(file.resolveSibling("."));
            FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            @Nullable FileLock lock = channel.tryLock();
            if (lock == null) {
                channel.close();
            }
            return lock;
        } catch (IOException e) {
            throw new EmbeddedServerException("Cannot lock " + file, e);
        }
    }
}
