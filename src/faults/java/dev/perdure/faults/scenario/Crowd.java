package dev.perdure.faults.scenario;

import dev.perdure.faults.ledger.Generator;
import dev.perdure.faults.ledger.Starter;
import dev.perdure.faults.world.World;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Submitters who go on starting random workflows, and cancelling some, whatever happens to the server. */
final class Crowd {

    private final World world;
    private final int inFlight;
    private final List<Thread> threads = new ArrayList<>();
    private final AtomicInteger broken = new AtomicInteger();
    private final AtomicReference<@Nullable RuntimeException> failure = new AtomicReference<>();
    private final @Nullable String service;
    private volatile boolean stopped;

    /**
     * A crowd that is not at work yet.
     *
     * @param inFlight how many instances may be unfinished before it waits
     */
    Crowd(World world, int inFlight) {
        this(world, inFlight, world.service());
    }

    private Crowd(World world, int inFlight, @Nullable String service) {
        this.world = world;
        this.inFlight = inFlight;
        this.service = service;
    }

    /** A crowd whose workflows send no requests. */
    static Crowd withoutRequests(World world, int inFlight) {
        return new Crowd(world, inFlight, null);
    }

    /** One more submitter. */
    Crowd join(String role, RandomGenerator random) {
        Thread thread = new Thread(() -> run(role, random), "starts as " + role);
        thread.setDaemon(true);
        threads.add(thread);
        thread.start();
        return this;
    }

    /** How often a submitter has lost its connection. */
    int broken() {
        return broken.get();
    }

    private void run(String role, RandomGenerator random) {
        Generator generator = new Generator(random, service);
        Starter starter = new Starter(world.book(), role);
        try {
            while (!stopped) {
                try (Connection connection = world.server().connect(role)) {
                    while (!stopped) {
                        work(connection, generator, starter, random);
                    }
                } catch (SQLException e) {
                    broken.incrementAndGet();
                    TimeUnit.MILLISECONDS.sleep(100);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            failure.set(e);
        }
    }

    private void work(Connection connection, Generator generator, Starter starter, RandomGenerator random)
            throws SQLException, InterruptedException {
        for (int i = 0; i < 10 && !stopped; i++) {
            starter.startSomehow(connection, generator.workflow(), random);
        }
        starter.cancelSome(connection, random);
        starter.redriveSome(connection, random);
        starter.forkSome(connection, random);
        while (!stopped && unfinished(connection) > inFlight) {
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }

    private static int unfinished(Connection connection) throws SQLException {
        connection.setAutoCommit(true);
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(
                        "SELECT count(*) FROM df.instances WHERE status IN ('pending', 'running')")) {
            row.next();
            return row.getInt(1);
        }
    }

    /** Nothing more is started; what a submitter broke down on is thrown. */
    void stop() throws InterruptedException {
        stopped = true;
        for (Thread thread : threads) {
            thread.join();
        }
        RuntimeException broke = failure.get();
        if (broke != null) {
            throw broke;
        }
    }
}
