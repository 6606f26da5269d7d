package dev.perdure.web.api;

import dev.perdure.web.Problem;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A call of a df function that changes something: in a transaction that may write, and committed. */
final class Change {

    private Change() {}

    /** Lets the transaction of a session write; to be called before its first query. */
    static void begin(Connection session) throws SQLException {
        try (Statement statement = session.createStatement()) {
            statement.execute("SET TRANSACTION READ WRITE");
        }
    }

    /** Calls, commits, and answers with the result of the function, as text, under a name. */
    static String commit(Connection session, String name, String sql, @Nullable Object... values)
            throws SQLException, Problem {
        String answer = Query.first(session, sql, values);
        session.commit();
        return Json.object().put(name, answer).toString();
    }

    /** The same with one begin. */
    static String of(Connection session, String name, String sql, @Nullable Object... values)
            throws SQLException, Problem {
        begin(session);
        return commit(session, name, sql, values);
    }

    /** The same for a query that answers with a JSON document of its own. */
    static String document(Connection session, String sql, @Nullable Object... values) throws SQLException {
        begin(session);
        String answer = Objects.requireNonNull(Query.first(session, sql, values), "a document");
        session.commit();
        return answer;
    }
}
