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
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;

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

    /** Starts a workflow in one of many ways: most just so, some rolled back, some cancelled at once or later. */
    public Entry startSomehow(Connection connection, Shape shape, RandomGenerator random) throws SQLException {
        return switch (random.nextInt(20)) {
            case 0 -> rollBack(connection, shape);
            case 1 -> stillborn(connection, shape);
            case 2, 3 -> cancelLater(start(connection, shape, Entry.Fate.CANCELLED));
            default -> start(connection, shape);
        };
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
                    continue;
                }
                cancel(connection, Objects.requireNonNull(entry.id()));
                // After the commit: what begins later begins too late.
                try (Statement statement = connection.createStatement();
                        ResultSet row = statement.executeQuery("SELECT clock_timestamp()")) {
                    row.next();
                    entry.cancelledBefore(row.getObject(1, OffsetDateTime.class));
                }
            }
        } finally {
            book.toCancel().addAll(waiting);
        }
    }

    private Entry enter(Shape shape, Entry.Fate fate) {
        Entry entry = new Entry("f" + NUMBER.incrementAndGet(), shape, fate, asynchronous);
        book.add(entry);
        return entry;
    }

    private static String call(Connection connection, Entry entry) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(
                        "SELECT df.start(" + entry.shape().dsl() + ", '" + entry.label() + "')")) {
            row.next();
            return row.getString(1);
        }
    }

    private static void cancel(Connection connection, String id) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT df.cancel(?, 'by the fault suite')")) {
            statement.setString(1, id);
            statement.executeQuery().close();
        }
    }
}
