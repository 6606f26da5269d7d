package dev.perdure.step;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** Looks types up in the catalog of the session's database. */
final class CatalogType {

    // Operators are named with their schema: the step may have changed the search path.
    private static final String SQL =
            "SELECT n.nspname, t.typname, t.typbasetype, e.oid, e.typdelim FROM pg_catalog.pg_type t"
                    + " JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) t.typnamespace"
                    + " LEFT JOIN pg_catalog.pg_type e ON e.typarray OPERATOR(pg_catalog.=) t.oid"
                    + " WHERE t.oid OPERATOR(pg_catalog.=) '%d'::pg_catalog.oid";

    private final Connection connection;
    private final String label;

    /**
     * @param label the column's, for error texts
     */
    CatalogType(Connection connection, String label) {
        this.connection = connection;
        this.label = label;
    }

    ColumnType of(long oid) throws SQLException {
        Row row = read(oid);
        if (row.element() != 0) {
            ColumnType element = of(row.element());
            return new ColumnType(element.name() + "[]", new ArrayValue(element.json(), row.delimiter()));
        }
        String name = quoted(row.schema()) + "." + quoted(row.name());
        if (row.base() != 0) {
            return new ColumnType(name, of(row.base()).json());
        }
        boolean own = row.schema().equals("pg_catalog");
        return new ColumnType(own ? row.name() : name, own ? JsonValue.of(row.name(), label) : JsonValue::text);
    }

    /**
     * One row of pg_type.
     *
     * @param base of a domain; 0 for others
     * @param element of a true array; 0 for others
     */
    private record Row(String schema, String name, long base, long element, char delimiter) {}

    private Row read(long oid) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(SQL.formatted(oid))) {
            if (!row.next()) {
                throw new SQLException("the type of column '" + label + "' (oid " + oid + ") does not exist", "42704");
            }
            String delimiter = row.getString(5);
            return new Row(
                    row.getString(1),
                    row.getString(2),
                    row.getLong(3),
                    row.getLong(4),
                    delimiter == null ? ',' : delimiter.charAt(0));
        }
    }

    private static String quoted(String name) {
        return '"' + name.replace("\"", "\"\"") + '"';
    }
}
