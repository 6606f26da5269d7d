package dev.perdure.faults.ledger;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * Programs that do the {@link ActivityStep}s of both roles. Now and then one takes its work with it to the grave, hangs until its lease has
 * ended and then completes all the same, or rolls back what it has done. They decide the {@link DecidedStep}s, too. Who is refused has
 * written nothing.
 */
public final class ActivityPrograms implements AutoCloseable {

    /** Makes sessions. */
    @FunctionalInterface
    public interface Sessions {
        Connection connect(String role) throws SQLException;
    }

    private record Claimed(String token, String payload) {}

    private static final String NOT_CURRENT = "DF004";
    private static final String LOCKED = "55P03";
    /** A little longer than a lease. */
    private static final long LATE_MILLIS = 2500;

    private final List<Thread> threads = new ArrayList<>();
    private final Sessions sessions;
    private final LongAdder completed = new LongAdder();
    private final LongAdder decided = new LongAdder();
    private final LongAdder refused = new LongAdder();
    private final AtomicLong hung = new AtomicLong();
    private volatile boolean stopped;

    /** Starts them. */
    public ActivityPrograms(Sessions sessions, int ofEachRole) {
        this.sessions = sessions;
        for (String role : List.of(LedgerTables.APP, LedgerTables.ASYNC)) {
            for (int i = 0; i < ofEachRole; i++) {
                Thread thread = new Thread(() -> run(role), "program-" + role + "-" + i);
                thread.setDaemon(true);
                thread.start();
                threads.add(thread);
            }
        }
    }

    /** What they did, for the figures. */
    public String figures() {
        return String.format(
                "%d activities completed by programs, %d tasks decided, %d refused, %d left hanging",
                completed.sum(), decided.sum(), refused.sum(), hung.get());
    }

    private void run(String role) {
        while (!stopped) {
            try (Connection connection = sessions.connect(role)) {
                settle(connection);
                while (!stopped) {
                    work(connection);
                }
            } catch (SQLException e) {
                pause(200); // the server is down, or the connection was cut
            }
        }
    }

    /** As a program should: one whose network went silent holds what it has claimed no longer than this. */
    private static void settle(Connection connection) throws SQLException {
        connection.setNetworkTimeout(Runnable::run, 15_000);
        try (var statement = connection.createStatement()) {
            statement.execute("SET idle_in_transaction_session_timeout = '10s'");
        }
    }

    private void work(Connection connection) throws SQLException {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        if (random.nextInt(3) == 0) {
            decide(connection);
        }
        boolean isShort = random.nextInt(3) == 0;
        connection.setAutoCommit(!isShort);
        try {
            for (Claimed claimed : claim(connection, 1 + random.nextInt(4))) {
                switch (random.nextInt(isShort ? 12 : 30)) {
                    case 0 -> hung.incrementAndGet();
                    case 1 -> {
                        if (isShort) {
                            connection.rollback();
                            return;
                        }
                        pause(LATE_MILLIS);
                        complete(connection, claimed, true);
                    }
                    case 2 -> {
                        pause(random.nextInt(300));
                        extend(connection, claimed);
                        complete(connection, claimed, !isShort);
                    }
                    default -> complete(connection, claimed, !isShort);
                }
            }
            if (isShort) {
                connection.commit();
            }
        } catch (SQLException e) {
            if (!NOT_CURRENT.equals(e.getSQLState())) {
                throw e;
            }
            refused.increment();
            if (!connection.getAutoCommit()) {
                connection.rollback();
            }
        }
    }

    /** Any of the tasks; others may be about to decide the same one. */
    private void decide(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        try (PreparedStatement statement = connection.prepareStatement(
                """
                WITH task AS MATERIALIZED (SELECT task_id, payload FROM df.tasks ORDER BY random() LIMIT 1),
                written AS (INSERT INTO app.effects (instance, step, began)
                            SELECT payload ->> 'instance', payload ->> 'step', clock_timestamp() FROM task)
                SELECT df.decide(task_id, 'approved') FROM task""")) {
            boolean isDecided;
            try (ResultSet row = statement.executeQuery()) {
                isDecided = row.next();
            }
            if (ThreadLocalRandom.current().nextInt(10) == 0) {
                connection.rollback();
            } else {
                connection.commit();
                decided.add(isDecided ? 1 : 0);
            }
        } catch (SQLException e) {
            if (!NOT_CURRENT.equals(e.getSQLState()) && !LOCKED.equals(e.getSQLState())) {
                throw e;
            }
            refused.increment();
            connection.rollback();
        }
    }

    private static List<Claimed> claim(Connection connection, int most) throws SQLException {
        List<Claimed> claimed = new ArrayList<>();
        try (PreparedStatement statement =
                connection.prepareStatement("SELECT token, payload FROM df.claim_activities(?, ?, '500 ms')")) {
            statement.setString(1, ActivityStep.KIND);
            statement.setInt(2, most);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    claimed.add(new Claimed(row.getString(1), row.getString(2)));
                }
            }
        }
        return claimed;
    }

    private static void extend(Connection connection, Claimed claimed) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT df.extend_activity(?, '2 s', '1')")) {
            statement.setString(1, claimed.token());
            statement.executeQuery().close();
        }
    }

    /** The row first: a refusal takes it along. Its transaction may have begun before the instance did, when it waited for something to claim. */
    private void complete(Connection connection, Claimed claimed, boolean byItself) throws SQLException {
        if (byItself) {
            connection.setAutoCommit(false);
        }
        try (PreparedStatement statement = connection.prepareStatement(
                "INSERT INTO app.effects (instance, step, began) SELECT p ->> 'instance', p ->> 'step', clock_timestamp() FROM (SELECT ?::jsonb AS p) AS given")) {
            statement.setString(1, claimed.payload());
            statement.executeUpdate();
        }
        try (PreparedStatement statement = connection.prepareStatement("SELECT df.complete_activity(?, '{\"done\": true}')")) {
            statement.setString(1, claimed.token());
            statement.executeQuery().close();
        }
        if (byItself) {
            connection.commit();
            connection.setAutoCommit(true);
        }
        completed.increment();
    }

    private static void pause(long millis) {
        try {
            TimeUnit.MILLISECONDS.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends them; one that waits for the server is left to itself. */
    @Override
    public void close() {
        stopped = true;
        threads.forEach(Thread::interrupt);
    }
}
