package dev.perdure.step;

import io.quarkus.runtime.annotations.RegisterForReflection;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import org.postgresql.jdbc.PgResultSetMetaData;

/**
 * The types of a result's columns by PostgreSQL's internal names. pgjdbc's {@code getColumnTypeName} would ask the server
 * whether an {@code int4} column of a table counts up, once for each result, and then call it {@code serial}, which is no
 * type; the method behind it does neither, and is not public.
 */
@RegisterForReflection(targets = PgResultSetMetaData.class) // for the native executable
final class ColumnTypes {

    private static final Method TYPE = type();

    private ColumnTypes() {}

    /**
     * The internal name of a column's type, such as {@code int4} or {@code _text}; of a domain, that of its base type.
     *
     * @param column from 1
     */
    static String of(ResultSetMetaData columns, int column) throws SQLException {
        try {
            return (String) TYPE.invoke(columns.unwrap(PgResultSetMetaData.class), column);
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
