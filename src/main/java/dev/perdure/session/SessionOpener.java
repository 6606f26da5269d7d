package dev.perdure.session;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.ServerIdentity;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Logs in as submitters, and makes sure that a session is on the right server and belongs to the right role. */
final class SessionOpener {

    private static final String IDENTITY = ServerIdentity.SQL
            + ", (SELECT oid FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) session_user)"
            + "::pg_catalog.int8";

    private final SessionPools.Settings settings;

    SessionOpener(SessionPools.Settings settings) {
        this.settings = settings;
    }

    StepSession open(SessionPools.Key key) throws SQLException {
        String role = settings.logins().nameOf(key);
        StepSession session;
        try {
            session = logIn(key, role);
        } catch (SQLException e) {
            settings.logins().failed(key, role, e);
            throw e;
        }
        settings.logins().succeeded(key, role);
        return session;
    }

    /** Logs in and out. */
    void probe(SessionPools.Key key) throws SQLException {
        open(key).close();
    }

    private StepSession logIn(SessionPools.Key key, String role) throws SQLException {
        DatabaseUrl url = settings.login().loginAs(settings.worker(), role);
        Connection connection;
        try {
            connection = connect(key, url);
        } catch (SQLException e) {
            DatabaseUrl changed = settings.login().loginAs(settings.worker(), role);
            if (!LoginBook.refusedByServer(e) || changed.equals(url)) {
                throw e;
            }
            // The password was replaced while it was being used.
            connection = connect(key, changed);
        }
        try {
            check(connection, key);
            return new StepSession(connection, settings.lockTimeoutMillis(), key.database() == null);
        } catch (SQLException | RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    private Connection connect(SessionPools.Key key, DatabaseUrl login) throws SQLException {
        DatabaseUrl url = key.database() == null ? login : login.withDatabase(key.database());
        // In the startup packet: a role's defaults do not beat it, and RESET ALL returns to it (architecture 4).
        Map<String, String> pinned = new LinkedHashMap<>();
        pinned.put("standard_conforming_strings", "on");
        pinned.put("IntervalStyle", "postgres");
        pinned.put("bytea_output", "hex");
        pinned.put("extra_float_digits", "1");
        pinned.put("idle_in_transaction_session_timeout", "60s");
        // A session waits in the pool; how long is decided here.
        pinned.put("idle_session_timeout", "0");
        // Nobody reads what a step says, and it could say more than the worker's memory holds (see Notices).
        pinned.put("client_min_messages", "error");
        pinned.put("df.in_workflow", "true");
        return url.withSettings(pinned)
                .connect(Map.of(
                        "ApplicationName", "perdure-step",
                        "assumeMinServerVersion", "14",
                        "binaryTransfer", "false",
                        "prepareThreshold", "0",
                        "connectTimeout", Integer.toString(settings.connectTimeoutSeconds()),
                        "loginTimeout", Integer.toString(settings.connectTimeoutSeconds()),
                        "tcpKeepAlive", "true",
                        "maxResultBuffer", Long.toString(Math.max(1, settings.maxResultSize()))));
    }

    /**
     * A step must never run on another server than the one whose tables its checkpoint is decided from, and never as a
     * role that has taken over the name of the submitter.
     */
    private void check(Connection connection, SessionPools.Key key) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(IDENTITY)) {
            row.next();
            @Nullable String database = key.database();
            ServerIdentity found = new ServerIdentity(row.getString(1), row.getString(2), row.getString(3));
            boolean same = database == null ? found.equals(settings.server()) : found.sameServer(settings.server());
            if (!same) {
                throw new SQLException(
                        "this session reached another server (%s) than the worker's own (%s)"
                                .formatted(found, settings.server()),
                        "08006");
            }
            if (row.getLong(4) != key.roleOid()) {
                throw new SQLException("the submitter was renamed while the worker logged in", "08006");
            }
        }
    }
}
