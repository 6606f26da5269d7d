package dev.perdure.database;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.pgclient.PgConnection;
import io.vertx.pgclient.PgException;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Opens sessions of the reactive client in which settings are pinned, whether or not the startup packet can hold them. */
public final class ReactiveSessions {

    private static final Set<String> KNOWN_TO_POOLERS =
            Set.of("application_name", "client_encoding", "DateStyle", "TimeZone", "options");

    private ReactiveSessions() {}

    /**
     * Opens a session.
     *
     * @param settings that hold in it, whatever was set for the role or the database
     */
    public static Future<PgConnection> connect(Vertx vertx, PgConnectOptions server, Map<String, String> settings) {
        String address = server.getHost() + ":" + server.getPort();
        if (PinnedSettings.isPooler(address)) {
            return withoutStartup(vertx, server, settings);
        }
        PgConnectOptions options = new PgConnectOptions(server);
        PinnedSettings.ofStartup(settings).forEach(options::addProperty);
        return PgConnection.connect(vertx, options)
                .compose(session -> orClosed(
                        session,
                        answer(session, PinnedSettings.question())
                                .compose(arrived -> pin(session, settings, !PinnedSettings.arrived(arrived)))))
                .recover(failure -> failure instanceof PgException refused
                                && PinnedSettings.isRefusal(address, refused.getSqlState(), refused.getErrorMessage())
                        ? withoutStartup(vertx, server, settings)
                        : Future.failedFuture(failure));
    }

    private static Future<PgConnection> withoutStartup(
            Vertx vertx, PgConnectOptions server, Map<String, String> settings) {
        PgConnectOptions options = new PgConnectOptions(server);
        // The client has some of its own, too.
        Map<String, String> known = new HashMap<>(server.getProperties());
        known.keySet().retainAll(KNOWN_TO_POOLERS);
        return PgConnection.connect(vertx, options.setProperties(known))
                .compose(session -> orClosed(session, pin(session, settings, true)));
    }

    private static Future<PgConnection> pin(PgConnection session, Map<String, String> settings, boolean all) {
        int version = session.databaseMetadata().majorVersion();
        String pins = PinnedSettings.statement(settings, all, version);
        String verification = PinnedSettings.verification(settings, all, version);
        if (pins == null || verification == null) {
            return Future.succeededFuture(session);
        }
        return answer(session, pins).compose(set -> answer(session, verification)
                .compose(found -> String.valueOf(set).equals(found)
                        ? Future.succeededFuture(session)
                        : Future.failedFuture(PinnedSettings.changesSessions())));
    }

    /** Closes a session when its use fails. */
    private static Future<PgConnection> orClosed(PgConnection session, Future<PgConnection> used) {
        return used.onFailure(ignored -> session.close());
    }

    private static Future<@Nullable String> answer(PgConnection session, String sql) {
        return session.query(sql).execute().map(ReactiveSessions::value);
    }

    private static @Nullable String value(RowSet<Row> rows) {
        return rows.iterator().next().getString(0);
    }
}
