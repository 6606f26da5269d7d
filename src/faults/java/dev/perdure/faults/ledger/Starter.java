package dev.perdure.faults.ledger;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Starts workflows and writes down what became of the start, also when the connection breaks in the middle. For one thread;
 * the connection belongs to the caller, who makes a new one after an exception.
 */
public final class Starter {

    private static final AtomicInteger NUMBER = new AtomicInteger();

    private final Book book;
    private final boolean asynchronous;

    /**
     * A starter for one role.
     *
     * @param role {@link LedgerTables#APP} or {@link LedgerTables#ASYNC}
     */
    public Starter(Book book, String role) {
        this.book = book;
        this.asynchronous = role.equals(LedgerTables.ASYNC);
    }

    /**
     * Starts a workflow.
     *
     * @throws SQLException when the connection breaks; the book says that the outcome is unknown
     */
    public Entry start(Connection connection, Shape shape) throws SQLException {
        return start(connection, shape, Entry.Fate.RUNS);
    }

    /** Starts a workflow that waits for a slot of one key of the queue, whatever its number is. */
    public Entry startInQueue(Connection connection, Shape shape, String key) throws SQLException {
        Entry entry = enter(shape, Entry.Fate.RUNS);
        connection.setAutoCommit(true);
        entry.received(call(connection, entry, inQueue(key, 0)));
        entry.acknowledge();
        return entry;
    }

    /** Starts a workflow in one of many ways: most just so, some rolled back, some cancelled at once or later. */
    public Entry startSomehow(Connection connection, Shape shape, RandomGenerator random)
            throws SQLException, InterruptedException {
        if (MendedStep.isIn(shape)) {
            Entry entry = start(connection, shape);
            book.toRedrive().add(entry);
            return entry;
        }
        return switch (random.nextInt(24)) {
            case 20 -> start(connection, Generator.chain(5, 0.05 + random.nextInt(3) * 0.02), Entry.Fate.LIMITED);
            case 21 -> startToFork(connection);
            case 22 -> {
                Entry first = startOnce(connection, shape, null);
                // Either is right, before and after the end of the first.
                TimeUnit.MILLISECONDS.sleep(random.nextInt(100));
                startOnce(connection, shape, first);
                yield first;
            }
            case 0 -> rollBack(connection, shape);
            case 1 -> stillborn(connection, shape);
            case 2, 3 -> cancelLater(start(connection, shape, Entry.Fate.CANCELLED));
            default -> start(connection, shape);
        };
    }

    /** Starts a workflow that fails, for {@link #forkSome}. */
    public Entry startToFork(Connection connection) throws SQLException {
        Entry entry = start(connection, new ForkedPart());
        book.toFork().add(entry);
        return entry;
    }

    /** Starts a workflow under a dedup key: one of its own, or that of another one, which may not have ended. */
    public Entry startOnce(Connection connection, Shape shape, @Nullable Entry other) throws SQLException {
        Entry entry = enter(shape, Entry.Fate.RUNS);
        entry.under(other == null ? entry.label() : Objects.requireNonNull(other.dedupKey()));
        connection.setAutoCommit(true);
        String id = call(connection, entry, ", options => '{\"dedup\": \"" + entry.dedupKey() + "\"}'");
        entry.received(id);
        if (other != null && id.equals(other.id())) {
            entry.absorbed();
        }
        entry.acknowledge();
        signal(connection, entry);
        return entry;
    }

    private Entry start(Connection connection, Shape shape, Entry.Fate fate) throws SQLException {
        Entry entry = enter(shape, fate);
        connection.setAutoCommit(true);
        entry.received(call(connection, entry));
        entry.acknowledge();
        signal(connection, entry);
        return entry;
    }

    /** Sends all signals that the workflow waits for, most of them before it does. */
    private static void signal(Connection connection, Entry entry) throws SQLException {
        List<String> names = new ArrayList<>();
        entry.shape().visit(part -> {
            if (part instanceof SignalledStep waiting) {
                names.add(waiting.name());
            }
        });
        for (String name : names) {
            try (PreparedStatement statement = connection.prepareStatement("SELECT df.signal(?, ?)")) {
                statement.setString(1, entry.id());
                statement.setString(2, name);
                statement.executeQuery().close();
            }
        }
    }

    private Entry cancelLater(Entry entry) {
        book.toCancel().add(entry);
        return entry;
    }

    private Entry rollBack(Connection connection, Shape shape) throws SQLException {
        Entry entry = enter(shape, Entry.Fate.ROLLED_BACK);
        connection.setAutoCommit(false);
        entry.received(call(connection, entry));
        connection.rollback();
        return entry;
    }

    private Entry stillborn(Connection connection, Shape shape) throws SQLException {
        Entry entry = enter(shape, Entry.Fate.STILLBORN);
        connection.setAutoCommit(false);
        String id = call(connection, entry);
        entry.received(id);
        cancel(connection, id);
        connection.commit();
        entry.acknowledge();
        return entry;
    }

    /** Cancels what {@link #startSomehow} has put aside, each with a chance of one half, so that they get on for a while. */
    public void cancelSome(Connection connection, RandomGenerator random) throws SQLException {
        List<Entry> waiting = new ArrayList<>();
        List<Entry> chosen = new ArrayList<>();
        for (Entry entry = book.toCancel().poll();
                entry != null;
                entry = book.toCancel().poll()) {
            waiting.add(entry);
        }
        try {
            connection.setAutoCommit(true);
            while (!waiting.isEmpty()) {
                Entry entry = waiting.remove(waiting.size() - 1);
                if (random.nextBoolean()) {
                    book.toCancel().add(entry);
                } else if (random.nextBoolean()) {
                    cancel(connection, Objects.requireNonNull(entry.id()));
                    wasCancelled(connection, entry);
                } else {
                    chosen.add(entry);
                }
            }
            cancelTogether(connection, chosen);
        } finally {
            book.toCancel().addAll(waiting);
        }
    }

    /** Those whose rows somebody has locked are skipped. */
    private void cancelTogether(Connection connection, List<Entry> entries) throws SQLException {
        if (entries.isEmpty()) {
            return;
        }
        try (PreparedStatement statement = connection.prepareStatement(
                "SELECT done, skipped FROM df.cancel_many(jsonb_build_object('ids', to_jsonb(?::text[])), 'by the fault suite')")) {
            statement.setArray(1, connection.createArrayOf("text", entries.stream().map(Entry::id).toArray()));
            statement.executeQuery().close();
        }
        for (Entry entry : entries) {
            String status = status(connection, Objects.requireNonNull(entry.id()));
            if ("cancelled".equals(status)) {
                wasCancelled(connection, entry);
            } else if ("pending".equals(status) || "running".equals(status)) {
                book.toCancel().add(entry);
            }
        }
    }

    /** After the commit: what begins later begins too late. */
    private static void wasCancelled(Connection connection, Entry entry) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT clock_timestamp()")) {
            row.next();
            entry.cancelledBefore(row.getObject(1, OffsetDateTime.class));
        }
    }

    /** Forks what {@link #startSomehow} has put aside and has failed, some of it more than once. */
    public void forkSome(Connection connection, RandomGenerator random) throws SQLException {
        List<Entry> waiting = new ArrayList<>();
        for (Entry entry = book.toFork().poll(); entry != null; entry = book.toFork().poll()) {
            waiting.add(entry);
        }
        try {
            connection.setAutoCommit(true);
            while (!waiting.isEmpty()) {
                Entry entry = waiting.get(waiting.size() - 1);
                boolean hasFailed = "failed".equals(status(connection, Objects.requireNonNull(entry.id())));
                if (hasFailed) {
                    fork(connection, entry);
                }
                waiting.remove(waiting.size() - 1);
                if (!hasFailed || random.nextInt(3) == 0) {
                    book.toFork().add(entry);
                }
            }
        } finally {
            book.toFork().addAll(waiting);
        }
    }

    private static void fork(Connection connection, Entry entry) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(ForkedPart.CALL)) {
            statement.setString(1, entry.id());
            try (ResultSet row = statement.executeQuery()) {
                if (row.next()) {
                    entry.forks().add(row.getString(1));
                }
            }
        }
    }

    /** Redrives what {@link #startSomehow} has put aside, and cancels some of it before. */
    public void redriveSome(Connection connection, RandomGenerator random) throws SQLException {
        List<Entry> waiting = new ArrayList<>();
        for (Entry entry = book.toRedrive().poll();
                entry != null;
                entry = book.toRedrive().poll()) {
            waiting.add(entry);
        }
        try {
            for (Entry entry : waiting) {
                connection.setAutoCommit(true);
                String id = Objects.requireNonNull(entry.id());
                if (random.nextInt(4) == 0) {
                    cancel(connection, id);
                }
                if (mayGoOn(connection, id)) {
                    redrive(connection, id, random.nextInt(4) > 0);
                }
            }
        } finally {
            book.toRedrive().addAll(waiting);
        }
    }

    /**
     * Redrives whatever has failed, or was cancelled, and is to complete.
     *
     * @return how many have not completed
     */
    public static int redriveAll(Connection superuser, Book book) throws SQLException {
        superuser.setAutoCommit(true);
        int left = 0;
        for (Entry entry : book.entries()) {
            if (entry.fate() != Entry.Fate.RUNS || !MendedStep.isIn(entry.shape())) {
                continue;
            }
            // Who lost the connection while starting it was never told the id.
            String id = entry.id() == null ? idOf(superuser, entry.label()) : entry.id();
            if (id != null) {
                String status = status(superuser, id);
                left += status == null || status.equals("completed") ? 0 : 1;
                if (mayGoOn(superuser, id)) {
                    redrive(superuser, id, true);
                }
            }
        }
        return left;
    }

    private static boolean mayGoOn(Connection connection, String id) throws SQLException {
        String status = status(connection, id);
        return "failed".equals(status) || "cancelled".equals(status);
    }

    private static @Nullable String idOf(Connection connection, String label) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement("SELECT max(id) FROM df.instances WHERE label = ? AND parent_id IS NULL AND forked_from IS NULL")) {
            statement.setString(1, label);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getString(1);
            }
        }
    }

    private static @Nullable String status(Connection connection, String id) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement("SELECT max(status) FROM df.instances WHERE id = ?")) {
            statement.setString(1, id);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getString(1);
            }
        }
    }

    /** Both or none: who is redriven finds what it needs. */
    private static void redrive(Connection connection, String id, boolean commits) throws SQLException {
        connection.setAutoCommit(false);
        try (PreparedStatement mend = connection.prepareStatement("INSERT INTO app.mended (instance) VALUES (?)");
                PreparedStatement redrive = connection.prepareStatement("SELECT df.redrive(?)")) {
            mend.setString(1, id);
            mend.executeUpdate();
            redrive.setString(1, id);
            redrive.executeQuery().close();
            if (commits) {
                connection.commit();
            } else {
                connection.rollback();
            }
        } catch (SQLException e) {
            // Somebody else was first.
            if (!"55000".equals(e.getSQLState())) {
                throw e;
            }
            connection.rollback();
        }
        connection.setAutoCommit(true);
    }

    private Entry enter(Shape shape, Entry.Fate fate) {
        Entry entry = new Entry("f" + NUMBER.incrementAndGet(), shape, fate, asynchronous);
        book.add(entry);
        return entry;
    }

    private static String call(Connection connection, Entry entry) throws SQLException {
        return call(connection, entry, options(entry));
    }

    private static String call(Connection connection, Entry entry, String options) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(
                        "SELECT df.start(" + entry.shape().dsl() + ", '" + entry.label() + "'" + options + ")")) {
            row.next();
            return row.getString(1);
        }
    }

    /** Some wait for a slot of a queue that both roles use, and some for their time. What is redriven gives its slot back in between. */
    private static String options(Entry entry) {
        int number = Integer.parseInt(entry.label().substring(1));
        if (entry.fate() == Entry.Fate.LIMITED) {
            return ", options => '{\"timeout\": \"0.35 s\"}'";
        }
        if (MendedStep.isIn(entry.shape()) || number % 8 > 1) {
            return "";
        }
        return number % 8 == 0
                ? inQueue("k" + number / 8 % 2, number / 8 % 3)
                : ", options => '{\"delay\": \"" + number % 500 + " ms\"}'";
    }

    private static String inQueue(String key, int priority) {
        return ", options => '{\"queue\": \"crowd\", \"key\": \"" + key + "\", \"priority\": " + priority + "}'";
    }

    private static void cancel(Connection connection, String id) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT df.cancel(?, 'by the fault suite')")) {
            statement.setString(1, id);
            statement.executeQuery().close();
        }
    }
}
