package dev.perdure.faults.world;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.testing.ProgramDrivers;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.postgresql.Driver;

/** A program in a process of its own, from src/faults/programs, which does activities with nothing but its driver. */
public final class ClientProgram implements AutoCloseable {

    private static final Path PROGRAMS = Path.of("src", "faults", "programs");
    private static final String APPLICATION = "faulty-program";

    private final Process process;
    private final Path said;

    private ClientProgram(Process process, Path said) {
        this.process = process;
        this.said = said;
    }

    /** Whether Python and its driver are there; the driver is fetched. */
    public static boolean hasPython() {
        return whyNoPython().isEmpty();
    }

    /** Why programs in Python cannot be run; empty when they can. */
    public static String whyNoPython() {
        try {
            return ProgramDrivers.python().orElse("");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "interrupted";
        }
    }

    /** A condition on pg_stat_activity: sessions of programs. */
    public static String sessions() {
        return "application_name = '" + APPLICATION + "'";
    }

    /**
     * Starts one in Python.
     *
     * @param script its file
     */
    public static ClientProgram inPython(String script, DatabaseUrl url, String kind, Path folder) {
        String uri = "postgresql://" + url.user() + "@" + address(url) + "?application_name=" + APPLICATION;
        return start(folder, "python3", PROGRAMS.resolve(script).toString(), uri, kind);
    }

    /** Starts the one in Java, as a single source file. */
    public static ClientProgram inJava(DatabaseUrl url, String kind, Path folder) {
        String uri = "jdbc:postgresql://" + address(url) + "?user=" + url.user() + "&ApplicationName=" + APPLICATION
                + "&connectTimeout=5&options=-c%20idle_in_transaction_session_timeout=10s";
        return start(
                folder,
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                driver(),
                PROGRAMS.resolve("Program.java").toString(),
                uri,
                kind);
    }

    private static String address(DatabaseUrl url) {
        DatabaseUrl.Host host = url.hosts().get(0);
        return host.name() + ":" + host.port() + "/" + url.database();
    }

    private static String driver() {
        try {
            return new File(Driver.class.getProtectionDomain().getCodeSource().getLocation().toURI()).getPath();
        } catch (URISyntaxException e) {
            throw new IllegalStateException("the driver is in no file", e);
        }
    }

    private static ClientProgram start(Path folder, String... command) {
        try {
            Path said = Files.createTempFile(folder, "program", ".out");
            ProcessBuilder builder = new ProcessBuilder(command);
            builder.environment().put("PYTHONPATH", ProgramDrivers.of("python").toString());
            Process process = builder.redirectErrorStream(true)
                    .redirectOutput(said.toFile())
                    .start();
            Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
            return new ClientProgram(process, said);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** SIGSTOP. */
    public void freeze() {
        Processes.signal(process.pid(), "STOP");
    }

    /** SIGCONT. */
    public void thaw() {
        Processes.signal(process.pid(), "CONT");
    }

    /** The sum of the numbers that it has said with a word. */
    public long sum(String word) {
        try {
            List<Long> numbers = new ArrayList<>();
            for (String line : Files.readAllLines(said)) {
                // The last one may be cut in the middle.
                if (line.matches(word + " [0-9]+")) {
                    numbers.add(Long.valueOf(line.substring(word.length() + 1)));
                }
            }
            return numbers.stream().mapToLong(Long::longValue).sum();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What it has said last. */
    public String lastWords() {
        try {
            List<String> lines = Files.readAllLines(said);
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 5), lines.size()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** SIGKILL. */
    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
