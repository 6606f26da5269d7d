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
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Processor time of the processes of a measurement, by part, where the system has {@code /proc}: of the servers' by what
 * their session is called, of the workers' by thread. Unlike times by the clock it hardly depends on what else the
 * machine does. In hundredths of a second, which is what the system counts.
 */
final class ProcessorTime implements AutoCloseable {

    private static final Path PROC = Path.of("/proc");
    private static final double TICK_MILLIS = 10;
    private static final long EVERY_MILLIS = 1000;

    /** One process or thread: what it had used when it was seen first, and last. */
    private record Used(String part, long first, long last) {}

    private final Map<String, Connection> servers = new TreeMap<>();
    private final List<Long> workers;
    private final Map<Long, Used> seen = new TreeMap<>();
    private final ScheduledExecutorService sampler = Executors.newSingleThreadScheduledExecutor();
    private boolean begun;

    /**
     * Begins to measure.
     *
     * @param servers by what they are called, as a role that sees all sessions; on this machine
     * @param workers their process ids
     */
    private ProcessorTime(Map<String, DatabaseUrl> servers, List<Long> workers) throws SQLException {
        for (Map.Entry<String, DatabaseUrl> server : servers.entrySet()) {
            this.servers.put(
                    server.getKey(),
                    server.getValue().withParameter("application_name", "bench watch").connect());
        }
        this.workers = workers;
        sample();
        begun = true;
        // Sessions come and go: what one has used is known until shortly before it ends.
        sampler.scheduleWithFixedDelay(this::sample, EVERY_MILLIS, EVERY_MILLIS, TimeUnit.MILLISECONDS);
    }

    /**
     * Measures, and prints the processor time of one, where the system tells.
     *
     * @param servers by what they are called, as a role that sees all sessions; on this machine
     * @param workers their process ids
     * @param one of what is counted
     * @param number how many of these the measurement has come to
     */
    static <T> T of(
            Map<String, DatabaseUrl> servers, List<Long> workers, String one, Callable<T> measurement, ToLongFunction<T> number)
            throws Exception {
        if (!Files.isReadable(PROC.resolve("self/stat"))) {
            return measurement.call();
        }
        try (ProcessorTime processor = new ProcessorTime(servers, workers)) {
            T outcome = measurement.call();
            System.out.println("processor time per " + one + ", in ms:");
            double sum = 0;
            for (Map.Entry<String, Double> part : processor.millis().entrySet()) {
                double millis = part.getValue() / Math.max(1, number.applyAsLong(outcome));
                sum += millis;
                if (millis >= 0.005) {
                    System.out.printf(Locale.ROOT, "  %-34s %6.3f%n", part.getKey(), millis);
                }
            }
            System.out.printf(Locale.ROOT, "  %-34s %6.3f%n", "all", sum);
            return outcome;
        }
    }

    private synchronized void sample() {
        try {
            for (Map.Entry<String, Connection> server : servers.entrySet()) {
                sample(server.getKey(), server.getValue());
            }
            add(ProcessHandle.current().pid(), "client", PROC.resolve("self"));
            for (long worker : workers) {
                try (Stream<Path> threads = Files.list(PROC.resolve(worker + "/task"))) {
                    for (Path thread : (Iterable<Path>) threads::iterator) {
                        add(Long.parseLong(thread.getFileName().toString()), null, thread);
                    }
                }
            }
        } catch (SQLException | IOException e) {
            throw new IllegalStateException("processor time cannot be read", e);
        }
    }

    /** The sessions of Citus on a node are numbered in their names. */
    private void sample(String server, Connection admin) throws SQLException {
        try (Statement statement = admin.createStatement();
                ResultSet row = statement.executeQuery("SELECT pid, CASE WHEN backend_type = 'client backend' THEN"
                        + " regexp_replace(application_name, ' gpid=.*', '') ELSE 'background' END FROM pg_stat_activity")) {
            while (row.next()) {
                add(row.getLong(1), server + ", " + row.getString(2), PROC.resolve(row.getString(1)));
            }
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
    private synchronized Map<String, Double> millis() {
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
            for (Connection server : servers.values()) {
                server.close();
            }
        }
    }
}
