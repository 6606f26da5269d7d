package dev.perdure.session;

import dev.perdure.database.Failure;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/**
 * Finds or creates the table of a session's role: {@code perdure_receipts_<oid of the role>}, in a schema that the role owns, in a new one
 * where it may create schemas, or in {@code public} where it may create tables there. A table of that name that belongs to somebody else is
 * not used, nor is an unlogged one.
 */
final class ReceiptTables {

    /** Operators are named with their schema: the search path of a role can lead through schemas of other roles. */
    private static final String FIND =
            """
            SELECT (SELECT n.nspname FROM pg_catalog.pg_class c
                      JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
                     WHERE c.relname OPERATOR(pg_catalog.=) '%1$s'::pg_catalog.name
                       AND c.relowner OPERATOR(pg_catalog.=) '%2$d'::pg_catalog.oid
                       AND c.relkind OPERATOR(pg_catalog.=) 'r'::"char"
                       AND c.relpersistence OPERATOR(pg_catalog.=) 'p'::"char"
                       AND pg_catalog.has_schema_privilege(n.oid, 'USAGE'::pg_catalog.text)
                     ORDER BY c.oid LIMIT 1),
                   (SELECT n.nspname FROM pg_catalog.pg_namespace n
                     WHERE n.nspowner OPERATOR(pg_catalog.=) '%2$d'::pg_catalog.oid
                       AND NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_'::pg_catalog.text)
                     ORDER BY n.oid LIMIT 1),
                   pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'::pg_catalog.text),
                   coalesce((SELECT pg_catalog.has_schema_privilege(n.oid, 'CREATE'::pg_catalog.text)
                               FROM pg_catalog.pg_namespace n
                              WHERE n.nspname OPERATOR(pg_catalog.=) 'public'::pg_catalog.name), false)""";

    private static final String CREATE =
            """
            BEGIN READ WRITE; %1$s
            CREATE TABLE %2$s (
                home_database  pg_catalog.text NOT NULL,
                instance_id    pg_catalog.text NOT NULL,
                node_id        pg_catalog.text NOT NULL,
                stamp          pg_catalog.text NOT NULL,
                result         pg_catalog.text NOT NULL,
                result_columns pg_catalog.text,
                committed_at   pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
                PRIMARY KEY (home_database, instance_id, node_id, stamp));
            REVOKE ALL ON TABLE %2$s FROM PUBLIC;
            COMMENT ON TABLE %2$s IS 'Perdure: one row for each workflow step of this role that was committed here and is not yet known to the database that holds schema df. The worker deletes them.';
            COMMIT""";

    private ReceiptTables() {}

    static ReceiptTable resolve(StepSession session, long roleOid) throws StepFailedException {
        String table = "perdure_receipts_" + roleOid;
        Place place = find(session, table, roleOid);
        if (place.existing() != null) {
            return place.table(place.existing(), table);
        }
        String schema = place.schema(table);
        if (schema == null) {
            return ReceiptTable.missing("the role can create no table for receipts in this database");
        }
        String problem = create(session, place, schema, table);
        // Another worker can have been quicker, or another role can have taken the name.
        Place now = find(session, table, roleOid);
        if (now.existing() != null) {
            return now.table(now.existing(), table);
        }
        return ReceiptTable.missing("the role's table for receipts in this database could not be created: "
                + (problem == null ? "it is gone again" : problem));
    }

    /** The place where the table is or can be. */
    private record Place(
            @Nullable String existing, @Nullable String ownSchema, boolean mayCreateSchema, boolean mayUsePublic) {

        @Nullable String schema(String newSchema) {
            if (ownSchema != null) {
                return ownSchema;
            }
            if (mayCreateSchema) {
                return newSchema;
            }
            return mayUsePublic ? "public" : null;
        }

        ReceiptTable table(String schema, String table) {
            return ReceiptTable.named(quoted(schema) + "." + table);
        }
    }

    private static Place find(StepSession session, String table, long roleOid) throws StepFailedException {
        return session.perform(connection -> {
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery(FIND.formatted(table, roleOid))) {
                row.next();
                return new Place(row.getString(1), row.getString(2), row.getBoolean(3), row.getBoolean(4));
            }
        });
    }

    /** Creates the table, and returns the problem, or null. */
    private static @Nullable String create(StepSession session, Place place, String schema, String table)
            throws StepFailedException {
        String prefix = place.ownSchema() == null && place.mayCreateSchema()
                ? "CREATE SCHEMA IF NOT EXISTS " + quoted(schema) + ";"
                : "";
        return session.perform(connection -> {
            try (Statement statement = connection.createStatement()) {
                statement.execute(CREATE.formatted(prefix, quoted(schema) + "." + table));
                return null;
            } catch (SQLException e) {
                Failure failure = Failure.of(e);
                if (failure.kind() != Failure.Kind.STEP) {
                    throw e;
                }
                try (Statement statement = connection.createStatement()) {
                    statement.execute("ROLLBACK");
                }
                return failure.message();
            }
        });
    }

    private static String quoted(String name) {
        return '"' + name.replace("\"", "\"\"") + '"';
    }
}
