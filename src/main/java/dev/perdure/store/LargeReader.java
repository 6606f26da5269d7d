package dev.perdure.store;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.Failure;
import dev.perdure.database.LogText;
import dev.perdure.database.OwnerSettings;
import dev.perdure.database.ServerIdentity;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Reads instances one after the other, and items of maps, on a thread and each time in a session of its own: however large they are, the
 * exchanges of the journal do not wait for them (ADR 102). Thread-safe.
 */
public final class LargeReader implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(LargeReader.class);
    private static final String TRY = "SELECT df._try(?, ARRAY[?])";
    private static final String LOAD = "SELECT * FROM df._load(ARRAY[?], ?, ?)";
    private static final String EPOCH = "SELECT last_value FROM df._epoch_seq";
    private static final String OPEN = "SELECT * FROM df._open_items(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    private static final long ALL = Long.MAX_VALUE;
    /** Of items that are read together. */
    private static final long ITEM_BYTES = 4 * 1024 * 1024;

    private static final Map<String, String> DRIVER = Map.of(
            "ApplicationName", "perdure-owner-large",
            "assumeMinServerVersion", "14",
            "prepareThreshold", "0",
            "gssEncMode", "disable",
            "connectTimeout", "10",
            "loginTimeout", "10",
            // Seconds without a byte: the largest definition is under way for a few.
            "socketTimeout", "60");

    private final DatabaseUrl server;
    private final ServerIdentity identity;
    private final long epoch;
    private final ThreadPoolExecutor thread;
    private @Nullable Connection session;
    private boolean closed;

    /**
     * A reader that connects when there is something to read.
     *
     * @param server that leadership was won on
     * @param identity of that server: any other behind the same address is refused
     */
    public LargeReader(DatabaseUrl server, ServerIdentity identity, Term term) {
        this.server = server.withSettings(OwnerSettings.with(Map.of("statement_timeout", "60s")));
        this.identity = identity;
        this.epoch = term.epoch();
        this.thread = new ThreadPoolExecutor(1, 1, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
            Thread one = new Thread(task, "perdure-read-large");
            one.setDaemon(true);
            return one;
        });
        thread.allowCoreThreadTimeOut(true);
    }

    /** As {@link Journal#read}; the continuation runs on the thread that reads. */
    CompletionStage<Optional<LoadedInstance>> read(String instance, boolean takenOver) {
        return inOrder(session -> {
            if (takenOver) {
                try (PreparedStatement attempt = session.prepareStatement(TRY)) {
                    attempt.setLong(1, epoch);
                    attempt.setString(2, instance);
                    attempt.execute();
                }
            }
            return load(session, instance);
        });
    }

    /** As {@link Journal#readItems}. */
    CompletionStage<List<OpenItems.Answer>> readItems(List<OpenItems> items) {
        return inOrder(session -> open(session, items));
    }

    private interface Read<T> {
        T in(Connection session) throws SQLException;
    }

    private <T> CompletionStage<T> inOrder(Read<T> read) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        try {
            thread.execute(() -> {
                try {
                    answer.complete(now(read));
                } catch (SQLException e) {
                    answer.completeExceptionally(new JournalException(Failure.of(e), e));
                } catch (JournalException | RuntimeException | Error e) {
                    // An error, too: the caller would wait for ever, and nothing else would be read.
                    answer.completeExceptionally(e);
                }
            });
        } catch (RejectedExecutionException e) {
            answer.completeExceptionally(over(e));
        }
        return answer;
    }

    private <T> T now(Read<T> read) throws SQLException, JournalException {
        try (Connection now = open()) {
            identity.require(now);
            T found = read.in(now);
            // Last: a term that has begun meanwhile makes all that was read worthless.
            try (PreparedStatement term = now.prepareStatement(EPOCH);
                    ResultSet row = term.executeQuery()) {
                row.next();
                if (row.getLong(1) != epoch) {
                    throw new JournalException(
                            new Failure(Failure.Kind.FENCED, "DF002", "another term has begun"),
                            new IllegalStateException("term " + row.getLong(1)));
                }
            }
            return found;
        } finally {
            synchronized (this) {
                session = null;
            }
        }
    }

    private List<OpenItems.Answer> open(Connection session, List<OpenItems> items) throws SQLException {
        OpenedItemRows found = new OpenedItemRows();
        try (PreparedStatement statement = session.prepareStatement(OPEN)) {
            int next = 1;
            statement.setLong(next++, epoch);
            statement.setArray(next++, numbers(session, items, OpenItems::map));
            statement.setArray(next++, numbers(session, items, OpenItems::after));
            statement.setArray(
                    next++,
                    session.createArrayOf(
                            "int4", items.stream().map(OpenItems::limit).toArray()));
            statement.setLong(next++, OpenedItemRows.PAGE_BYTES);
            statement.setLong(next++, ALL);
            statement.setLong(next++, ITEM_BYTES);
            statement.setArray(next++, numbers(session, items, OpenItems::settled));
            statement.setArray(next++, numbers(session, items, OpenItems::completed));
            statement.setArray(next, numbers(session, items, OpenItems::failed));
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    found.add(Columns.of(rows));
                }
            }
        }
        return found.answers(items);
    }

    private static Array numbers(Connection session, List<OpenItems> items, ToLongFunction<OpenItems> number)
            throws SQLException {
        return session.createArrayOf(
                "int8", items.stream().mapToLong(number).boxed().toArray());
    }

    private static Optional<LoadedInstance> load(Connection session, String instance) throws SQLException {
        try {
            return load(session, instance, ALL);
        } catch (SQLException e) {
            Failure failure = Failure.of(e);
            if (failure.kind() == Failure.Kind.CONNECTION_LOST) {
                throw e;
            }
            LOG.warnf("Instance %s cannot be read: %s", LogText.of(instance), LogText.of(failure.message()));
            // Without what is large: whose it is, so that it can fail with the reason.
            return load(session, instance, -1)
                    .map(known -> known.unreadable("the server cannot hand it out: " + failure.message()));
        }
    }

    private static Optional<LoadedInstance> load(Connection session, String instance, long large) throws SQLException {
        try (PreparedStatement statement = session.prepareStatement(LOAD)) {
            statement.setString(1, instance);
            statement.setLong(2, ALL);
            statement.setLong(3, large);
            try (ResultSet rows = statement.executeQuery()) {
                return rows.next() ? Optional.of(LoadedRows.read(Columns.of(rows))) : Optional.empty();
            }
        }
    }

    private Connection open() throws SQLException, JournalException {
        Connection opened = server.connect(DRIVER);
        synchronized (this) {
            if (!closed) {
                session = opened;
                return opened;
            }
        }
        opened.close();
        throw over(null);
    }

    private static JournalException over(@Nullable Throwable cause) {
        return new JournalException(
                new Failure(Failure.Kind.CONNECTION_LOST, null, "the term is over"),
                cause == null ? new IllegalStateException("the term is over") : cause);
    }

    /** Reads no more. What is being read is given up. */
    @Override
    public void close() {
        Connection last;
        synchronized (this) {
            closed = true;
            last = session;
        }
        thread.shutdown();
        if (last != null) {
            try {
                last.abort(Runnable::run);
            } catch (SQLException e) {
                LOG.debugf("A session could not be ended: %s", e.getMessage());
            }
        }
    }
}
