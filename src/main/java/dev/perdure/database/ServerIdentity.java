package dev.perdure.database;

/**
 * Which server and database a session is on. A server that was restored, promoted or cloned shares the system
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

    public boolean sameServer(ServerIdentity other) {
        return systemIdentifier.equals(other.systemIdentifier) && startedAt.equals(other.startedAt);
    }

    /** Whether the tables could be the same, after a restart of the server. */
    public boolean sameCluster(String identifier, String database) {
        return systemIdentifier.equals(identifier) && databaseOid.equals(database);
    }
}
