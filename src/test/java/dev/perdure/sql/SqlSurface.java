package dev.perdure.sql;

import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A fresh database with two granted roles, and short ways to ask it. */
final class SqlSurface {

    static final String ALICE = "alice";
    static final String BOB = "bob";
    static final String OWNER = PostgresServer.OWNER;

    /** What a test says of a node becomes a checkpoint, as if the worker had written it. */
    private static final String WRITABLE_NODES =
            """
            CREATE FUNCTION public.test_write_node() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO df._checkpoints (instance_id, version, bytes, state)
                SELECT old.instance_id, coalesce(max(c.version), 0) + 1, 0, jsonb_build_object(
                    'nodes', jsonb_build_object(old.id, jsonb_strip_nulls(jsonb_build_object(
                        'status', new.status, 'error', new.error, 'attempt', nullif(new.attempt, 0),
                        'result', CASE WHEN new.status = 'completed' THEN 0 END) || coalesce(new.status_details, '{}'))),
                    'results', jsonb_build_array(new.result), 'columns', jsonb_build_array(new.result_columns))
                FROM df._checkpoints c WHERE c.instance_id = old.instance_id;
                RETURN new;
            END
            $$;
            CREATE TRIGGER test_write_node INSTEAD OF UPDATE ON df.nodes FOR EACH ROW EXECUTE FUNCTION public.test_write_node();
            """;

    final TestDatabase database = PostgresServer.get().newDatabase();

    SqlSurface() {
        try {
            database.createUser(ALICE);
            database.createUser(BOB);
            database.execute(OWNER, WRITABLE_NODES);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What alice gets. */
    @Nullable String value(String sql, Object... parameters) throws SQLException {
        return database.value(ALICE, sql, parameters);
    }

    /** What alice gets, which is not NULL. */
    String text(String sql, Object... parameters) throws SQLException {
        String value = value(sql, parameters);
        if (value == null) {
            throw new AssertionError("NULL from " + sql);
        }
        return value;
    }

    List<List<@Nullable String>> rows(String sql, Object... parameters) throws SQLException {
        return database.rows(ALICE, sql, parameters);
    }

    /** The error that alice gets, as "SQLSTATE: message". */
    String error(String sql) {
        return error(ALICE, sql);
    }

    String error(String role, String sql) {
        try (Connection connection = database.connect(role);
                var statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            return e.getSQLState() + ": " + e.getMessage();
        }
        throw new AssertionError("no error from " + sql);
    }

    void asOwner(String sql) throws SQLException {
        database.execute(OWNER, sql);
    }

    /** A statement with {@code setting} in place for the session, as alice. */
    @Nullable String valueWith(String setting, String sql) throws SQLException {
        try (Connection connection = database.connect(ALICE);
                var statement = connection.createStatement()) {
            statement.execute(setting);
            return TestDatabase.rows(connection, sql).get(0).get(0);
        }
    }
}
