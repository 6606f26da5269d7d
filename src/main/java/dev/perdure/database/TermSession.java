package dev.perdure.database;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A session for the leader's work beside executing, as the owner of schema df, in autocommit mode. Opened when it is needed, kept until it
 * fails or the term is over. One caller at a time.
 */
public final class TermSession implements AutoCloseable {

    /** Something that is done in the session. */
    @FunctionalInterface
    public interface Work<T> {
        T in(Connection connection) throws SQLException;
    }

    private static final String SOCKET_TIMEOUT_SECONDS = "120";

    private final DatabaseUrl url;
    private final ServerIdentity server;
    private volatile @Nullable Connection connection;
    private volatile boolean closed;

    /**
     * A session that is opened when it is needed.
     *
     * @param url of the server that leadership was won on
     * @param server what the leader's session found there: another one behind the same address is refused
     * @param name of the application
     */
    public TermSession(DatabaseUrl url, ServerIdentity server, String name) {
        // The holder of a lock that is in the way is a submitter at work: make way.
        Map<String, String> settings = OwnerSettings.with(Map.of("lock_timeout", "1s", "statement_timeout", "60s"));
        this.url = url.withParameter("application_name", name).withSettings(settings);
        this.server = server;
    }

    /** Does something in the session; one that failed is closed. */
    public synchronized <T> T call(Work<T> work) throws SQLException {
        Connection open = connection;
        if (open == null) {
            open = connect();
        }
        boolean worked = false;
        try {
            T result = work.in(open);
            worked = true;
            return result;
        } finally {
            if (!worked) {
                connection = null;
                open.close();
            }
        }
    }

    private Connection connect() throws SQLException {
        Connection opened = url.connect(Map.of("socketTimeout", SOCKET_TIMEOUT_SECONDS));
        try {
            server.require(opened);
        } catch (SQLException e) {
            opened.close();
            throw e;
        }
        connection = opened;
        if (closed) {
            close();
            throw new SQLException("this worker does not lead any more", "57P01");
        }
        return opened;
    }

    /** Breaks off the running statement; nothing else is done afterwards. Does not wait: who leads no more must not be held up. */
    @Override
    public void close() throws SQLException {
        closed = true;
        Connection open = connection;
        if (open != null) {
            open.abort(Runnable::run);
        }
    }
}
