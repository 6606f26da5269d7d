package dev.perdure.database;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * Identity of the server and database of a session. A server that was restored, promoted or cloned shares the system
 * identifier and not the start time.
 *
 * @param systemIdentifier of the cluster, from {@code pg_control_system()}
 * @param startedAt when its postmaster started
 * @param databaseOid oid of the database
 */
public record ServerIdentity(String systemIdentifier, String startedAt, String databaseOid) {

    /** Selects the three columns as text. */
    public static final String SQL =
            "SELECT (SELECT system_identifier FROM pg_catalog.pg_control_system())::pg_catalog.text,"
                    + " pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time())::pg_catalog.text,"
                    + " (SELECT oid FROM pg_catalog.pg_database"
                    + " WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database())::pg_catalog.text";

    /**
     * Makes sure that a session is on this server.
     *
     * @throws SQLException of a connection that is lost (08006) when it is not
     */
    public void require(Connection session) throws SQLException {
        try (Statement statement = session.createStatement();
                ResultSet row = statement.executeQuery(SQL)) {
            row.next();
            ServerIdentity found = new ServerIdentity(row.getString(1), row.getString(2), row.getString(3));
            if (!found.equals(this)) {
                throw new SQLException(
                        "this session reached another server (%s) than the worker's own (%s)".formatted(found, this),
                        "08006");
            }
        }
    }

    public boolean sameServer(ServerIdentity other) {
        return systemIdentifier.equals(other.systemIdentifier) && startedAt.equals(other.startedAt);
    }

    /** Whether the tables could be the same, after a restart of the server. */
    public boolean sameCluster(String identifier, String database) {
        return systemIdentifier.equals(identifier) && databaseOid.equals(database);
    }
}
