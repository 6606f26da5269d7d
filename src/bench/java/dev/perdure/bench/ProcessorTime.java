package dev.perdure.bench;

import dev.perdure.database.DatabaseUrl;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Processor time of the processes of a measurement, by part, where the system has {@code /proc}: of the server's by what
 * their session is called, of the worker's by thread. Unlike times by the clock it hardly depends on what else the
 * machine does. In hundredths of a second, which is what the system counts.
 */
final class ProcessorTime implements AutoCloseable {

    private static final Path PROC = Path.of("/proc");
    private static final double TICK_MILLIS = 10;
    private static final long EVERY_MILLIS = 1000;

    /** One process or thread: what it had used when it was seen first, and last. */
    private record Used(String part, long first, long last) {}

    private final Connection admin;
    private final long worker;
    private final Map<Long, Used> seen = new TreeMap<>();
    private final ScheduledExecutorService sampler = Executors.newSingleThreadScheduledExecutor();
    private boolean begun;

    /**
     * Begins to measure.
     *
     * @param server as a role that sees all sessions
     * @param worker its process id
     */
    ProcessorTime(DatabaseUrl server, long worker) throws SQLException {
        this.admin = server.withParameter("application_name", "bench watch").connect();
        this.worker = worker;
        sample();
        begun = true;
        // Sessions come and go: what one has used is known until shortly before it ends.
        sampler.scheduleWithFixedDelay(this::sample, EVERY_MILLIS, EVERY_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** Whether the system tells. */
    static boolean isKnown() {
        return Files.isReadable(PROC.resolve("self/stat"));
    }

    private synchronized void sample() {
        try (Statement statement = admin.createStatement();
                ResultSet row = statement.executeQuery("SELECT pid, CASE WHEN backend_type = 'client backend' THEN"
                        + " 'server, ' || application_name ELSE 'server, background' END FROM pg_stat_activity")) {
            while (row.next()) {
                add(row.getLong(1), row.getString(2), PROC.resolve(row.getString(1)));
            }
            add(ProcessHandle.current().pid(), "client", PROC.resolve("self"));
            try (Stream<Path> threads = Files.list(PROC.resolve(worker + "/task"))) {
                for (Path thread : (Iterable<Path>) threads::iterator) {
                    add(Long.parseLong(thread.getFileName().toString()), null, thread);
                }
            }
        } catch (SQLException | IOException e) {
            throw new IllegalStateException("processor time cannot be read", e);
        }
    }

    private void add(long id, @Nullable String part, Path process) {
        List<String> fields;
        String name;
        try {
            String stat = Files.readString(process.resolve("stat"));
            name = stat.substring(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
            fields = List.of(stat.substring(stat.lastIndexOf(')') + 2).split(" "));
        } catch (IOException | UncheckedIOException e) {
            // It has just ended: what it had used before is known.
            return;
        }
        // proc(5): fields 14 and 15 of the line, user and system time.
        long now = Long.parseLong(fields.get(11)) + Long.parseLong(fields.get(12));
        Used before = seen.get(id);
        long first = before != null ? before.first() : begun ? 0 : now;
        seen.put(id, new Used(part != null ? part : "worker, " + group(name), first, now));
    }

    private static String group(String thread) {
        if (thread.startsWith("C1 ") || thread.startsWith("C2 ")) {
            return "compiler";
        }
        if (thread.startsWith("G1 ") || thread.startsWith("GC ") || thread.startsWith("VM ")) {
            return "garbage collection";
        }
        return thread.replaceAll("[-# ]?[0-9]+$", "");
    }

    /** Milliseconds by part, since the beginning. */
    synchronized Map<String, Double> millis() {
        sample();
        Map<String, Double> parts = new TreeMap<>();
        for (Used used : seen.values()) {
            parts.merge(used.part(), (used.last() - used.first()) * TICK_MILLIS, Double::sum);
        }
        return parts;
    }

    @Override
    public void close() throws SQLException {
        sampler.shutdownNow();
        synchronized (this) {
            admin.close();
        }
    }
}
