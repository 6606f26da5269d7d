package dev.perdure.web.login;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * The position in the primary's log to which the server of a session has replayed it.
 *
 * @param isReplica false for a server that takes writes
 * @param lsn bytes of the log since its beginning
 * @param lastSeconds how long ago the primary committed what was replayed last, by the clocks of the two
 */
record Position(boolean isReplica, long lsn, long lastSeconds) {

    private static final String OF_REPLICA = "SELECT pg_catalog.pg_is_in_recovery(),"
            + " coalesce(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_last_wal_replay_lsn(), '0/0'), 0)::pg_catalog.int8,"
            + " coalesce(pg_catalog.floor(pg_catalog.date_part('epoch',"
            + " pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp())), 0)::pg_catalog.int8";

    /** The place of the next record: everything committed before lies before it. */
    private static final String OF_PRIMARY =
            "SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::pg_catalog.int8";

    static Position ofReplica(Connection session) throws SQLException {
        try (Statement statement = session.createStatement();
                ResultSet row = statement.executeQuery(OF_REPLICA)) {
            row.next();
            return new Position(row.getBoolean(1), row.getLong(2), Math.max(0, row.getLong(3)));
        }
    }

    static long ofPrimary(Connection session) throws SQLException {
        try (Statement statement = session.createStatement();
                ResultSet row = statement.executeQuery(OF_PRIMARY)) {
            row.next();
            return row.getLong(1);
        }
    }
}
