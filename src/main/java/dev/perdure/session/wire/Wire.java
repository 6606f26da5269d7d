package dev.perdure.session.wire;

import io.quarkus.runtime.annotations.RegisterForReflection;
import java.io.IOException;
import java.lang.reflect.Field;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.postgresql.core.NativeQuery;
import org.postgresql.core.PGStream;
import org.postgresql.core.ParameterList;
import org.postgresql.core.Query;
import org.postgresql.core.QueryExecutor;
import org.postgresql.core.QueryExecutorBase;
import org.postgresql.core.SqlCommand;
import org.postgresql.core.TransactionState;
import org.postgresql.jdbc.PgConnection;

/**
 * A session's connection, below JDBC. Statements that are sent together travel in one message with a single Sync: the server
 * skips what stands behind one that fails. None is prepared by name, so that nothing can be put in place of one.
 */
@RegisterForReflection(targets = QueryExecutorBase.class)
public final class Wire {

    private static final int FLAGS = QueryExecutor.QUERY_ONESHOT | QueryExecutor.QUERY_SUPPRESS_BEGIN;

    private final PgConnection connection;
    private final QueryExecutor executor;
    private final MessageFilter filter;
    private long sentAt;
    private volatile boolean waits;

    private Wire(PgConnection connection, MessageFilter filter) {
        this.connection = connection;
        this.executor = connection.getQueryExecutor();
        this.filter = filter;
    }

    /** Puts a filter under a connection that is idle. */
    public static Wire of(PgConnection connection) throws SQLException {
        return new Wire(connection, filter(connection, () -> {}));
    }

    static MessageFilter filter(PgConnection connection, Runnable onNotification) throws SQLException {
        try {
            PGStream stream = stream(connection.getQueryExecutor());
            MessageFilter filter = new MessageFilter(stream.getSocket().getInputStream(), onNotification);
            stream.changeSocket(new FilteredSocket(stream.getSocket(), filter));
            return filter;
        } catch (IOException e) {
            throw new SQLException("the connection was closed when it had just been opened", "08006", e);
        }
    }

    private static PGStream stream(QueryExecutor executor) {
        try {
            Field field = QueryExecutorBase.class.getDeclaredField("pgStream");
            field.setAccessible(true);
            return (PGStream) field.get(executor);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this version of pgjdbc is not the one that the worker was built with", e);
        }
    }

    public PgConnection connection() {
        return connection;
    }

    /** Whether a transaction is open, failed, or none, as the server said last. */
    public TransactionState state() {
        return executor.getTransactionState();
    }

    /** Whether the connection is gone. */
    public boolean isClosed() {
        return executor.isClosed();
    }

    /** The time for which an answer has been waited for; negative when none is. From any thread. */
    public long waitsNanos(long now) {
        return waits ? now - sentAt : -1;
    }

    /** Begins to wait for the answer to a message over the {@link #connection}. */
    public void sends() {
        sentAt = System.nanoTime();
        waits = true;
    }

    /** The answer is there, or none will come. */
    public void answered() {
        waits = false;
    }

    /** Sends statements that a server answers at once or not at all: the connection is given up after the limit. */
    public Replies send(List<Command> commands, Duration limit) throws SQLException {
        connection.setNetworkTimeout(Runnable::run, (int) limit.toMillis());
        Replies replies = send(commands);
        if (!isClosed()) {
            connection.setNetworkTimeout(Runnable::run, 0);
        }
        return replies;
    }

    /** Sends statements whose answers are small. */
    public Replies send(List<Command> commands) {
        return send(commands, Grant.UNLIMITED, 1024 * 1024);
    }

    /**
     * Sends statements, and reads their answers.
     *
     * @param grant is asked before a row is read; of rows that were refused nothing is kept, see {@link PackedRows#refusal}
     * @param maxBytes of the rows of one statement
     */
    public Replies send(List<Command> commands, Grant grant, long maxBytes) {
        List<NativeQuery> texts = new ArrayList<>(commands.size());
        for (Command command : commands) {
            texts.add(new NativeQuery(command.sql(), new int[command.arguments().size()], false, SqlCommand.BLANK));
        }
        Capture capture = new Capture(grant, maxBytes);
        Collector collector = new Collector(capture);
        SQLException failure = null;
        filter.capture(capture);
        sends();
        try {
            Query query = executor.wrap(texts);
            executor.execute(query, arguments(query, commands), collector, 0, 0, FLAGS);
        } catch (SQLException e) {
            failure = collector.first() == null ? e : collector.first();
        } finally {
            answered();
            filter.capture(null);
        }
        return collector.replies(failure);
    }

    private static @Nullable ParameterList arguments(Query query, List<Command> commands) throws SQLException {
        ParameterList list = null;
        int n = 0;
        for (Command command : commands) {
            for (Command.Argument argument : command.arguments()) {
                if (list == null) {
                    list = query.createParameterList();
                }
                n++;
                byte[] bytes = argument.bytes();
                String text = argument.text();
                if (bytes != null) {
                    list.setBytea(n, bytes, 0, bytes.length);
                } else if (text != null) {
                    list.setStringParameter(n, text, argument.oid());
                } else {
                    list.setNull(n, argument.oid());
                }
            }
        }
        return list;
    }
}
