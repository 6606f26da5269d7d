package dev.perdure.step;

import java.sql.Connection;
import java.sql.SQLException;
import org.postgresql.jdbc.PgConnection;

/**
 * The types of a result's columns. A type of PostgreSQL's own is known by its name. Any other is looked up by its oid: a
 * user can name a type {@code json} or {@code _int4}, and an array of a domain is printed like one of the type below it.
 *
 * <p>JDBC's {@code getColumnTypeName} would ask the server whether an {@code int4} column of a table counts up, once for
 * each result, and then call it {@code serial}, which is no type.
 */
final class ColumnTypes {

    /** The first oid that is not written in PostgreSQL's sources (access/transam.h, FirstGenbkiObjectId). */
    private static final long FIRST_ASSIGNED_OID = 10_000;

    private ColumnTypes() {}

    /** Whether the type has to be looked up in a transaction that has not failed. */
    static boolean isForeign(int oid) {
        return Integer.toUnsignedLong(oid) >= FIRST_ASSIGNED_OID;
    }

    /**
     * The type of a column.
     *
     * @param label for error texts
     */
    static ColumnType of(int oid, Connection connection, String label) throws SQLException {
        if (isForeign(oid)) {
            return new CatalogType(connection, label).of(Integer.toUnsignedLong(oid));
        }
        String name = connection.unwrap(PgConnection.class).getTypeInfo().getPGType(oid);
        if (name == null) {
            throw new SQLException("the type of column '" + label + "' (oid " + oid + ") does not exist", "42704");
        }
        return new ColumnType(name, JsonValue.of(name, label));
    }
}
