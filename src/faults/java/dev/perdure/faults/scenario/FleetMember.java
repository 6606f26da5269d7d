package dev.perdure.faults.scenario;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.faults.ledger.LedgerTables;
import dev.perdure.faults.world.FaultProxy;
import dev.perdure.faults.world.Folders;
import dev.perdure.faults.world.Server;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One database of the fleet, with what works on it. */
final class FleetMember implements AutoCloseable {

    static final String END_SESSIONS =
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'perdure%'";

    /** Instances that are started in a database, per second. */
    static final int RATE = Integer.getInteger("faults.fleet.rate", 20);

    static final int STEPS = 3;

    final String name;
    final Server server;
    final FaultProxy proxy;
    private final List<Connection> held = new ArrayList<>();
    final Thread starter = new Thread(this::startAll);
    private volatile boolean ended;
    volatile boolean paused;
    volatile long started;
    boolean isRestored;
    private final Path before;
    final @Nullable Path disk;

    FleetMember(String name, Path folder) throws SQLException, IOException, InterruptedException {
        this.name = name;
        this.server = Server.start(folder.resolve(name));
        this.proxy = new FaultProxy(server.port());
        this.before = folder.resolve(name + "-before");
        execute("CREATE TABLE app.fleet (instance text, step int, at timestamptz DEFAULT clock_timestamp())",
                "GRANT ALL ON app.fleet TO public");
        starter.setDaemon(true);
        server.crash();
        server.copyTo(before);
        server.restart();
        this.disk = smallDisk(folder.resolve(name + "-disk"));
    }

    String url() {
        return DatabaseUrl.parse("postgresql://127.0.0.1:" + proxy.port() + "/")
                .withUser("df_worker", null)
                .withDatabase(server.url("df_worker").database())
                .toUri();
    }

    void execute(String... statements) throws SQLException {
        try (Connection connection = server.connect("postgres");
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    long number(String sql) throws SQLException {
        try (Connection connection = server.connect("postgres");
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getLong(1);
        }
    }

    void lock() throws SQLException {
        Connection connection = server.connect("postgres");
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.execute("LOCK TABLE df.instances, df._checkpoints IN ACCESS EXCLUSIVE MODE");
        }
        held.add(connection);
    }

    /** A disk of 24 MB for what each step writes; null where none can be mounted. */
    private @Nullable Path smallDisk(Path place) throws SQLException, IOException, InterruptedException {
        Files.createDirectory(place);
        if (sh("mount", "-t", "tmpfs", "-o", "size=24m", "perdure-faults", place.toString()) != 0) {
            return null;
        }
        Path space = Files.createDirectory(place.resolve("space"));
        execute("CREATE TABLESPACE small LOCATION '" + space + "'", "ALTER TABLE df._checkpoints SET TABLESPACE small");
        return place;
    }

    void fill() throws IOException, InterruptedException {
        if (disk != null) {
            sh("dd", "if=/dev/zero", "of=" + disk.resolve("ballast"), "bs=64k");
        }
    }

    void empty() throws IOException {
        if (disk != null) {
            Files.deleteIfExists(disk.resolve("ballast"));
        }
    }

    /** The server as it was before anything was started. */
    void restore() {
        isRestored = true;
        server.crash();
        Folders.delete(server.directory());
        try {
            Files.move(before, server.directory());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.restart();
    }

    private static int sh(String... command) throws IOException, InterruptedException {
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor();
    }

    void exhaust() throws SQLException {
        try {
            while (true) {
                held.add(server.connect(LedgerTables.APP));
            }
        } catch (SQLException e) {
            execute(END_SESSIONS);
            try {
                while (true) {
                    held.add(server.connect(LedgerTables.APP));
                }
            } catch (SQLException full) {
                return;
            }
        }
    }

    void release() throws SQLException {
        for (Connection connection : held) {
            connection.close();
        }
        held.clear();
    }

    /** So many a second, whatever happens to those before; none while it is paused. */
    private void startAll() {
        String sql = "SELECT df.start(" + String.join(" ~> ", steps()) + ", 'fleet')";
        long next = System.nanoTime();
        while (!ended) {
            next += TimeUnit.SECONDS.toNanos(1) / RATE;
            try (Connection connection = paused ? null : server.connect(LedgerTables.APP)) {
                while (!ended && !paused && connection != null) {
                    try (Statement statement = connection.createStatement()) {
                        statement.executeQuery(sql).close();
                        started++;
                    }
                    sleepUntil(next);
                    // What could not be started in its time is left out: the rate stays what it is.
                    next = Math.max(next, System.nanoTime()) + TimeUnit.SECONDS.toNanos(1) / RATE;
                }
            } catch (SQLException e) {
                // It is the broken one.
            }
            sleepUntil(System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(100));
            next = System.nanoTime();
        }
    }

    private static List<String> steps() {
        List<String> steps = new ArrayList<>();
        for (int step = 1; step <= STEPS; step++) {
            steps.add("'INSERT INTO app.fleet (instance, step) VALUES (''{sys_instance_id}'', " + step + ")'");
        }
        return steps;
    }

    private static void sleepUntil(long nanos) {
        try {
            TimeUnit.NANOSECONDS.sleep(Math.max(0, nanos - System.nanoTime()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Instances that ended within the last seconds, and how long nine of ten of those took, in milliseconds. */
    long[] done(int seconds) throws SQLException {
        try (Connection connection = server.connect("postgres");
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT count(*),"
                        + " coalesce(1000 * percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM completed_at - created_at)), 0)::bigint"
                        + " FROM df.instances WHERE completed_at > clock_timestamp() - interval '" + seconds
                        + " s'")) {
            row.next();
            return new long[] {row.getLong(1), row.getLong(2)};
        }
    }

    @Override
    public void close() {
        ended = true;
        proxy.close();
        server.close();
        if (disk != null) {
            try {
                sh("umount", "-l", disk.toString());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
