package dev.perdure.schema;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * Preconditions of installing the schema {@code df}: the database holds every text, and the schema does not exist and
 * this role may create it, or it belongs to this role. Somebody else's {@code df} is never touched, since its functions would run with our rights.
 */
final class SchemaOwnership {

    private static final String QUERY =
            """
            SELECT current_user,
                   current_database(),
                   pg_is_in_recovery(),
                   pg_catalog.has_database_privilege(current_database(), 'CREATE'),
                   (SELECT pg_catalog.pg_get_userbyid(n.nspowner) FROM pg_catalog.pg_namespace n WHERE n.nspname = 'df'),
                   (SELECT e.extname
                      FROM pg_catalog.pg_namespace n
                      JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_namespace'::regclass AND d.objid = n.oid
                           AND d.deptype = 'e'
                      JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
                     WHERE n.nspname = 'df'),
                   (SELECT pg_catalog.pg_encoding_to_char(d.encoding) FROM pg_catalog.pg_database d
                     WHERE d.datname = pg_catalog.current_database())
            """;

    private SchemaOwnership() {}

    static void check(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(QUERY);
                ResultSet row = statement.executeQuery()) {
            row.next();
            String self = row.getString(1);
            String database = row.getString(2);
            @Nullable String owner = row.getString(5);
            @Nullable String extension = row.getString(6);
            if (row.getBoolean(3)) {
                throw new MigrationException(
                        "The server is a replica, the schema df cannot be installed or upgraded there", null);
            }
            if (!"UTF8".equals(row.getString(7))) {
                throw refused("The database " + database + " has the encoding " + row.getString(7)
                        + ", which cannot hold every text that a workflow can. Nothing was installed. Give Perdure a database"
                        + " of encoding UTF8: CREATE DATABASE app TEMPLATE template0 ENCODING 'UTF8'");
            }
            if (extension != null) {
                throw refused("The schema df of database " + database + " belongs to the extension " + extension
                        + ". Drop the extension, or give Perdure another database");
            }
            if (owner == null && !row.getBoolean(4)) {
                throw refused("The role " + self + " may not create the schema df. As the owner of the database run:"
                        + " GRANT CREATE ON DATABASE " + quoted(database) + " TO " + quoted(self));
            }
            if (owner != null && !owner.equals(self)) {
                throw refused("The schema df of database " + database + " belongs to the role " + owner
                        + ", not to " + self + ". Log in as " + owner
                        + " in perdure.database.url, or give Perdure a database without a schema df");
            }
        }
    }

    private static MigrationException refused(String message) {
        return new MigrationException(message, null);
    }

    private static String quoted(String identifier) {
        return '"' + identifier.replace("\"", "\"\"") + '"';
    }
}
