package dev.perdure.session;

import dev.perdure.database.Failure;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.result.Result;
import dev.perdure.session.wire.Grant;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The receipts of one role in a database other than the one that holds schema df (ADR 26). No transaction spans two databases, so a step's
 * effect is committed together with a receipt, which holds the step's result. A second execution of the step finds it. The table belongs to
 * the role: a row that the role writes by itself affects only its own steps.
 */
public final class ReceiptTable {

    private static final String WHERE = " WHERE home_database OPERATOR(pg_catalog.=) ?"
            + " AND instance_id OPERATOR(pg_catalog.=) ? AND node_id OPERATOR(pg_catalog.=) ?"
            + " AND stamp OPERATOR(pg_catalog.=) ?";
    // jsonb refuses what the checkpoint could not take later (\u0000, numbers out of its range).
    private static final String CAN_BE_KEPT =
            " FROM (VALUES (?::pg_catalog.text)) AS r(result)" + " WHERE r.result::pg_catalog.jsonb IS NOT NULL";

    private final @Nullable String name;
    private final @Nullable String missing;

    private ReceiptTable(@Nullable String name, @Nullable String missing) {
        this.name = name;
        this.missing = missing;
    }

    /**
     * An existing table.
     *
     * @param name qualified and quoted
     */
    static ReceiptTable named(String name) {
        return new ReceiptTable(name, null);
    }

    /** No table, with the reason: steps run at least once. */
    static ReceiptTable missing(String why) {
        return new ReceiptTable(null, why);
    }

    /** The reason why steps happen at least once here; null when they happen exactly once. */
    public @Nullable String atLeastOnce() {
        return missing;
    }

    /**
     * The result of the step when its effect was committed.
     *
     * @return null when there is no receipt
     */
    public @Nullable Result find(StepSession session, Receipt receipt) throws StepFailedException {
        return find(session, receipt, Grant.UNLIMITED);
    }

    /**
     * The result of the step when its effect was committed, if there is memory for it.
     *
     * @throws StepFailedException with {@link Failure.Kind#NO_MEMORY} when there is not
     */
    public @Nullable Result find(StepSession session, Receipt receipt, Grant grant) throws StepFailedException {
        if (name == null) {
            return null;
        }
        Long size = session.perform(connection -> {
            List<@Nullable String> sizes = select(
                    connection,
                    "pg_catalog.octet_length(result)::pg_catalog.int8 OPERATOR(pg_catalog.+)"
                            + " coalesce(pg_catalog.octet_length(result_columns), 0)",
                    receipt);
            return sizes.isEmpty() ? null : Long.valueOf(String.valueOf(sizes.get(0)));
        });
        if (size == null) {
            return null;
        }
        // As bytes of the driver, and as a string.
        if (!grant.take(2 * size)) {
            throw new StepFailedException(new Failure(
                    Failure.Kind.NO_MEMORY, null, "the receipt of this step needs more memory than there is now"));
        }
        Result found = session.perform(connection -> {
            // One value at a time: together they could be larger than a session may receive.
            List<@Nullable String> columns = select(connection, "result_columns", receipt);
            List<@Nullable String> result = columns.isEmpty() ? List.of() : select(connection, "result", receipt);
            return result.isEmpty() ? null : new Result(String.valueOf(result.get(0)), columns.get(0));
        });
        if (found != null
                && !(Json.isValid(found.json()) && (found.columns() == null || Json.isValid(found.columns())))) {
            throw new StepFailedException(new Failure(
                    Failure.Kind.STEP,
                    null,
                    "the receipt of this step in " + name + " was not written by the worker: it is no JSON"));
        }
        return found;
    }

    private List<@Nullable String> select(Connection connection, String column, Receipt receipt) throws SQLException {
        List<@Nullable String> values = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement("SELECT " + column + " FROM " + name + WHERE)) {
            bind(statement, receipt);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    values.add(rows.getString(1));
                }
            }
        }
        return values;
    }

    /**
     * Commits the open transaction of a step, with its receipt.
     *
     * @return false when there is one already: the step has happened before, and this transaction was rolled back
     */
    public boolean commit(StepSession session, Receipt receipt, Result result) throws StepFailedException {
        String sql = session.beforeCheckpoint()
                + (name == null
                        ? "SELECT 1" + CAN_BE_KEPT
                        : "INSERT INTO " + name
                                + " (home_database, instance_id, node_id, stamp, result_columns, result)"
                                + " SELECT ?, ?, ?, ?, ?, r.result" + CAN_BE_KEPT
                                + " ON CONFLICT DO NOTHING RETURNING 1");
        boolean first = session.perform(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(sql)) {
                int n = 0;
                if (name != null) {
                    bind(statement, receipt);
                    statement.setString(5, result.columns());
                    n = 5;
                }
                statement.setString(n + 1, result.json());
                boolean written = false;
                boolean rows = statement.execute();
                while (rows || statement.getUpdateCount() != -1) {
                    written = rows && statement.getResultSet().next();
                    rows = statement.getMoreResults();
                }
                return written;
            }
        });
        if (!first) {
            session.rollback();
            return false;
        }
        session.perform(connection -> execute(connection, "COMMIT"));
        session.mustBeIdle();
        return true;
    }

    /** Deletes receipts that are no longer needed. */
    void delete(StepSession session, Collection<Receipt> receipts) throws StepFailedException {
        session.perform(connection -> {
            execute(connection, "BEGIN READ WRITE");
            try (PreparedStatement statement = connection.prepareStatement("DELETE FROM " + name
                    + " WHERE (home_database, instance_id, node_id, stamp) IN (SELECT * FROM ROWS FROM ("
                    + "pg_catalog.unnest(?::pg_catalog.text[]), pg_catalog.unnest(?::pg_catalog.text[]),"
                    + " pg_catalog.unnest(?::pg_catalog.text[]), pg_catalog.unnest(?::pg_catalog.text[])))")) {
                List<Function<Receipt, String>> columns =
                        List.of(Receipt::home, Receipt::instance, Receipt::node, Receipt::stamp);
                for (int i = 0; i < columns.size(); i++) {
                    String[] values = receipts.stream().map(columns.get(i)).toArray(String[]::new);
                    statement.setArray(i + 1, connection.createArrayOf("text", values));
                }
                statement.executeUpdate();
            }
            return execute(connection, "COMMIT");
        });
    }

    /** Receipts of a database, the oldest first. */
    List<Receipt> list(StepSession session, String home, int limit) throws StepFailedException {
        return session.perform(connection -> {
            List<Receipt> receipts = new ArrayList<>();
            try (PreparedStatement statement = connection.prepareStatement("SELECT instance_id, node_id, stamp FROM "
                    + name + " WHERE home_database OPERATOR(pg_catalog.=) ? ORDER BY committed_at LIMIT " + limit)) {
                statement.setString(1, home);
                try (ResultSet rows = statement.executeQuery()) {
                    while (rows.next()) {
                        receipts.add(new Receipt(home, rows.getString(1), rows.getString(2), rows.getString(3)));
                    }
                }
            }
            return receipts;
        });
    }

    private static boolean execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            return statement.execute(sql);
        }
    }

    private static void bind(PreparedStatement statement, Receipt receipt) throws SQLException {
        statement.setString(1, receipt.home());
        statement.setString(2, receipt.instance());
        statement.setString(3, receipt.node());
        statement.setString(4, receipt.stamp());
    }
}
