package dev.perdure.maintenance;

import dev.perdure.database.DatabaseUrl;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The session that maintenance works in, as the owner of schema df, in autocommit mode. Opened when it is needed, kept
 * until it fails or is closed. One caller at a time.
 */
final class MaintenanceSession implements AutoCloseable {

    /** Something that is done in the session. */
    @FunctionalInterface
    interface Work<T> {
        T in(Connection connection) throws SQLException;
    }

    private static final String SOCKET_TIMEOUT_SECONDS = "120";

    private final DatabaseUrl url;
    private @Nullable Connection connection;

    MaintenanceSession(DatabaseUrl url) {
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("search_path", "pg_catalog");
        // Whoever holds a lock that is in the way is a submitter at work: make way.
        settings.put("lock_timeout", "1s");
        settings.put("statement_timeout", "60s");
        settings.put("default_transaction_read_only", "off");
        settings.put("default_transaction_isolation", "read committed");
        this.url = url.withParameter("application_name", "perdure-maintenance").withSettings(settings);
    }

    /** Does something in the session; one that failed is closed. */
    synchronized <T> T call(Work<T> work) throws SQLException {
        Connection open = connection;
        if (open == null) {
            open = url.connect(Map.of("tcpKeepAlive", "true", "socketTimeout", SOCKET_TIMEOUT_SECONDS));
            connection = open;
        }
        boolean worked = false;
        try {
            T result = work.in(open);
            worked = true;
            return result;
        } finally {
            if (!worked) {
                close();
            }
        }
    }

    /** Closes the session; the next call opens another. */
    @Override
    public synchronized void close() throws SQLException {
        Connection open = connection;
        connection = null;
        if (open != null) {
            open.close();
        }
    }
}
