package dev.perdure.database;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Settings that hold in a session whatever was set for its role or database. They are sent in the startup packet: then
 * {@code RESET ALL} returns to them. A pooler refuses or ignores what it does not know there: then they are set by statements.
 */
final class PinnedSettings {

    /** Tells whether the startup packet reached the server. */
    static final String SENTINEL = "df.pinned";

    private static final String WAS_PINNED = "SELECT pg_catalog.current_setting('" + SENTINEL + "', true)";
    /** Unknown to older servers, which would refuse the session. */
    private static final Map<String, Integer> SINCE = Map.of("transaction_timeout", 17);
    /** Between pooler and server there are other connections, which are the pooler's to keep alive. */
    private static final String OF_THE_CONNECTION = "tcp_";

    private static final Set<String> POOLERS = ConcurrentHashMap.newKeySet();

    private PinnedSettings() {}

    /** Those for the startup packet, with the one that tells whether it arrived. */
    static Map<String, String> ofStartup(Map<String, String> settings) {
        Map<String, String> sent = new LinkedHashMap<>(settings);
        sent.keySet().removeAll(SINCE.keySet());
        if (!settings.isEmpty()) {
            sent.put(SENTINEL, "on");
        }
        return sent;
    }

    /** The query whose answer {@link #arrived} understands. */
    static String question() {
        return WAS_PINNED;
    }

    static boolean arrived(@Nullable String answer) {
        return "on".equals(answer);
    }

    /**
     * A statement that sets them for the session, or null when there is nothing to set.
     *
     * @param all false for those that the startup packet could not hold
     * @param version major version of the server
     */
    static @Nullable String statement(Map<String, String> settings, boolean all, int version) {
        return select(
                settings,
                all,
                version,
                setting -> "set_config('" + setting.getKey() + "', '"
                        + setting.getValue().replace("'", "''") + "', false)");
    }

    /** A query with the same answer as {@link #statement}, as long as the settings hold. */
    static @Nullable String verification(Map<String, String> settings, boolean all, int version) {
        return select(settings, all, version, setting -> "current_setting('" + setting.getKey() + "')");
    }

    private static @Nullable String select(
            Map<String, String> settings, boolean all, int version, Function<Map.Entry<String, String>, String> call) {
        String calls = settings.entrySet().stream()
                .filter(setting -> SINCE.containsKey(setting.getKey())
                        ? version >= SINCE.get(setting.getKey())
                        : all && !setting.getKey().startsWith(OF_THE_CONNECTION))
                .map(setting -> "pg_catalog." + call.apply(setting))
                .collect(Collectors.joining(", "));
        return calls.isEmpty() ? null : "SELECT pg_catalog.concat_ws('|', " + calls + ")";
    }

    /** Whether an address is known to lead to a pooler that does not pass settings on. */
    static boolean isPooler(String address) {
        return POOLERS.contains(address);
    }

    /** Remembers whether an error of an attempt to connect says so. */
    static boolean isRefusal(String address, @Nullable String sqlState, @Nullable String message) {
        boolean refused =
                "08P01".equals(sqlState) && message != null && message.contains("unsupported startup parameter");
        if (refused) {
            POOLERS.add(address);
        }
        return refused;
    }

    /**
     * Sets the settings by statements that the startup packet did not set.
     *
     * @param all whether it held nothing
     * @return what sets it again after {@code RESET ALL}, or null when the server returns to it by itself
     */
    static @Nullable String pin(Connection connection, Map<String, String> settings, boolean all) throws SQLException {
        if (settings.isEmpty()) {
            return null;
        }
        try (Statement statement = connection.createStatement()) {
            boolean missing = all || !arrived(value(statement, WAS_PINNED));
            int version = connection.getMetaData().getDatabaseMajorVersion();
            String pins = statement(settings, missing, version);
            String verification = verification(settings, missing, version);
            if (pins == null || verification == null) {
                return null;
            }
            String set = value(statement, pins);
            if (!String.valueOf(set).equals(value(statement, verification))) {
                throw changesSessions();
            }
            return missing ? pins : null;
        }
    }

    static SQLException changesSessions() {
        return new SQLException(
                "the settings of this session do not last: the connection goes through a pooler in transaction mode; the"
                        + " worker needs a direct connection, or a pooler in session mode",
                "08P01");
    }

    private static @Nullable String value(Statement statement, String sql) throws SQLException {
        try (ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }
}
