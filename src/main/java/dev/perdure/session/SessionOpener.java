package dev.perdure.session;

import dev.perdure.database.DatabaseUrl;
import dev.perdure.database.Failure;
import dev.perdure.database.ServerIdentity;
import dev.perdure.session.wire.Command;
import dev.perdure.session.wire.PackedRows;
import dev.perdure.session.wire.Replies;
import dev.perdure.session.wire.Wire;
import java.nio.charset.CharacterCodingException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.postgresql.jdbc.PgConnection;

/** Logs in as submitters, and makes sure that a session is on the right server and belongs to the right role. */
final class SessionOpener {

    private static final String IDENTITY = ServerIdentity.SQL
            + ", (SELECT oid FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) session_user)"
            + "::pg_catalog.int8, pg_catalog.current_setting('default_transaction_isolation'), pg_catalog.pg_backend_pid()";
    // The driver sends the time zone of the worker's machine in the startup packet.
    private static final Command UTC = new Command("SET TimeZone = 'UTC'");

    private final SessionPools.Settings settings;

    SessionOpener(SessionPools.Settings settings) {
        this.settings = settings;
    }

    /**
     * Logs in as a role, by the name that it has now.
     *
     * @throws StepFailedException also at once, while the role is known to be refused
     */
    StepSession open(SessionPools.Key key) throws StepFailedException {
        settings.logins().enter(key);
        String role = "the role with oid " + key.roleOid();
        try {
            role = settings.logins().nameOf(key);
            return logIn(key, role);
        } catch (SQLException e) {
            throw new StepFailedException(settings.logins().failed(key, role, e), e);
        }
    }

    /** Logs in as a role, whatever is known of it. */
    StepSession tryToOpen(SessionPools.Key key) throws SQLException {
        return logIn(key, settings.logins().nameOf(key));
    }

    private StepSession logIn(SessionPools.Key key, String role) throws SQLException {
        DatabaseUrl url = settings.login().loginAs(settings.worker(), role);
        DatabaseUrl.Opened opened;
        try {
            opened = connect(key, url);
        } catch (SQLException e) {
            DatabaseUrl changed = settings.login().loginAs(settings.worker(), role);
            if (!LoginFailures.isRefusal(Failure.of(e)) || changed.equals(url)) {
                throw e;
            }
            // The password was replaced while it was being used.
            opened = connect(key, changed);
        }
        try {
            return session(opened, key);
        } catch (SQLException | RuntimeException e) {
            opened.connection().close();
            throw e;
        }
    }

    private DatabaseUrl.Opened connect(SessionPools.Key key, DatabaseUrl login) throws SQLException {
        DatabaseUrl url = key.database() == null ? login : login.withDatabase(key.database());
        // In the startup packet: a role's defaults do not beat it, and RESET ALL returns to it (architecture 4).
        Map<String, String> pinned = new LinkedHashMap<>();
        pinned.put("standard_conforming_strings", "on");
        pinned.put("backslash_quote", "safe_encoding");
        pinned.put("IntervalStyle", "postgres");
        pinned.put("bytea_output", "hex");
        pinned.put("extra_float_digits", "1");
        pinned.put("idle_in_transaction_session_timeout", "60s");
        // A session waits in the pool; how long is decided here.
        pinned.put("idle_session_timeout", "0");
        // Nobody reads what a step says.
        pinned.put("client_min_messages", "error");
        pinned.put("df.in_workflow", "true");
        pinned.put("application_name", "perdure-step");
        // A worker whose machine or network is gone must not keep locks for hours.
        pinned.put("tcp_keepalives_idle", "15");
        pinned.put("tcp_keepalives_interval", "5");
        pinned.put("tcp_keepalives_count", "3");
        pinned.put("tcp_user_timeout", "30s");
        Map<String, String> driver = new HashMap<>(Map.of(
                "ApplicationName", "perdure-step",
                "assumeMinServerVersion", "14",
                "binaryTransfer", "false",
                "prepareThreshold", "0",
                // What comes is measured below the driver, where that would decrypt.
                "gssEncMode", "disable",
                "connectTimeout", Integer.toString(settings.connectTimeoutSeconds()),
                "loginTimeout", Integer.toString(settings.connectTimeoutSeconds()),
                "tcpKeepAlive", "true",
                "maxResultBuffer", Long.toString(Math.max(1, settings.maxResultSize()))));
        return url.withSettings(pinned).open(driver);
    }

    /**
     * Checks the session: a step must never run on a server other than the one of its tables, and never as a role that has taken over the
     * name of the submitter.
     */
    private StepSession session(DatabaseUrl.Opened opened, SessionPools.Key key) throws SQLException {
        Wire wire = Wire.of(opened.connection().unwrap(PgConnection.class));
        Replies replies =
                wire.send(List.of(UTC, new Command(IDENTITY)), Duration.ofSeconds(settings.connectTimeoutSeconds()));
        if (replies.failure() != null) {
            throw replies.failure();
        }
        PackedRows row = replies.done().get(1).rows();
        row.next();
        @Nullable String database = key.database();
        ServerIdentity found = new ServerIdentity(value(row, 0), value(row, 1), value(row, 2));
        boolean same = database == null ? found.equals(settings.server()) : found.sameServer(settings.server());
        if (!same) {
            throw new SQLException(
                    "this session reached another server (%s) than the worker's own (%s)"
                            .formatted(found, settings.server()),
                    "08006");
        }
        if (!value(row, 3).equals(Long.toString(key.roleOid()))) {
            throw new SQLException("the submitter was renamed while the worker logged in", "08006");
        }
        StepMessages messages = new StepMessages(database == null, settings.lockTimeoutMillis(), opened.pins());
        return new StepSession(
                wire, Integer.parseInt(value(row, 5)), messages, value(row, 4).equals("read committed"));
    }

    private static String value(PackedRows row, int column) throws SQLException {
        try {
            return String.valueOf(row.text(column));
        } catch (CharacterCodingException e) {
            throw new SQLException("the server's answer is no UTF-8", "08P01", e);
        }
    }
}
