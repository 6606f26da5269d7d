package dev.perdure.step;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import org.postgresql.jdbc.PgResultSet;
import org.postgresql.jdbc.PgResultSetMetaData;

/**
 * The types of a result's columns. A type of PostgreSQL's own is known by its name. Any other is looked up by its oid: a
 * user can name a type {@code json} or {@code _int4}, and an array of a domain is printed like one of the type below it.
 *
 * <p>pgjdbc's {@code getColumnTypeName} would ask the server whether an {@code int4} column of a table counts up, once for
 * each result, and then call it {@code serial}, which is no type; the method behind it does neither, and is not public.
 */
final class ColumnTypes {

    /** The first oid that is not written in PostgreSQL's sources (access/transam.h, FirstGenbkiObjectId). */
    private static final long FIRST_ASSIGNED_OID = 10_000;

    private static final Method TYPE = type();

    private ColumnTypes() {}

    /**
     * The type of a column.
     *
     * @param column from 1
     * @param label for error texts
     */
    static ColumnType of(ResultSet rows, int column, String label) throws SQLException {
        long oid = Integer.toUnsignedLong(rows.unwrap(PgResultSet.class).getColumnOID(column));
        if (oid < FIRST_ASSIGNED_OID) {
            String name = name(rows, column);
            return new ColumnType(name, JsonValue.of(name, label));
        }
        Connection connection = rows.getStatement().getConnection();
        return new CatalogType(connection, label).of(oid);
    }

    private static String name(ResultSet rows, int column) throws SQLException {
        try {
            return (String) TYPE.invoke(rows.getMetaData().unwrap(PgResultSetMetaData.class), column);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof SQLException failure) {
                throw failure;
            }
            throw new IllegalStateException("pgjdbc cannot tell the type of column " + column, e.getCause());
        } catch (IllegalAccessException e) {
            throw new IllegalStateException("pgjdbc's PgResultSetMetaData.getPGType is closed", e);
        }
    }

    private static Method type() {
        try {
            Method method = PgResultSetMetaData.class.getDeclaredMethod("getPGType", int.class);
            method.setAccessible(true);
            return method;
        } catch (NoSuchMethodException e) {
            throw new IllegalStateException("This pgjdbc has no PgResultSetMetaData.getPGType", e);
        }
    }
}
