package dev.perdure.step;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.postgresql.core.Oid;
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

    /** Names of PostgreSQL's own types, which are the same in every database, as far as they were looked up. */
    private static final Map<Integer, String> KNOWN = new ConcurrentHashMap<>(Map.of(Oid.VOID, "void"));

    private ColumnTypes() {}

    /** Whether the type has to be looked up, which takes a transaction that has not failed. */
    static boolean isUnknown(int oid) {
        return !KNOWN.containsKey(oid);
    }

    /**
     * The type of a column.
     *
     * @param label for error texts
     */
    static ColumnType of(int oid, Connection connection, String label) throws SQLException {
        if (Integer.toUnsignedLong(oid) >= FIRST_ASSIGNED_OID) {
            return new CatalogType(connection, label).of(Integer.toUnsignedLong(oid));
        }
        String name = KNOWN.get(oid);
        if (name == null) {
            name = connection.unwrap(PgConnection.class).getTypeInfo().getPGType(oid);
            if (name == null) {
                throw new SQLException("the type of column '" + label + "' (oid " + oid + ") does not exist", "42704");
            }
            KNOWN.put(oid, name);
        }
        return new ColumnType(name, JsonValue.of(name, label));
    }
}
