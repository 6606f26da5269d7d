package dev.perdure.step;

import dev.perdure.database.Failure;
import java.util.Locale;
import java.util.Set;

/** An SQL statement as a step: its checks, its execution, and its result. */
public final class SqlStep {

    private static final String FAILED = "SQL execution failed: error returned from database: ";
    // Statements that PostgreSQL refuses inside a transaction block (25001), or that end it themselves (2D000).
    private static final Set<String> AUTOCOMMIT =
            Set.of("VACUUM", "CREATE", "DROP", "ALTER", "REINDEX", "CLUSTER", "CALL", "DO", "CHECKPOINT", "REFRESH");

    private static final Set<String> SHARING =
            Set.of("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "VALUES", "TABLE");

    private SqlStep() {}

    /**
     * Whether the statement can share a transaction with its neighbours: plain queries only, and not those that look at
     * the state of workflows, which is not written before the end of the transaction.
     */
    public static boolean canShareTransaction(String sql) {
        if (!SHARING.contains(StatementGuard.firstWord(sql)) || StatementGuard.refuse(sql) != null) {
            return false;
        }
        String lower = sql.toLowerCase(Locale.ROOT);
        return !lower.contains("df.") && !lower.contains("\"df\"");
    }

    /** Whether the failure means that the statement has to run outside a transaction block. */
    public static boolean needsAutocommit(Failure failure, String sql) {
        if (failure.kind() != Failure.Kind.NEEDS_AUTOCOMMIT) {
            return false;
        }
        return AUTOCOMMIT.contains(StatementGuard.firstWord(sql));
    }

    private static String hint(Failure failure, boolean several) {
        if (several) {
            return " (a step is one statement; chain several with ~>)";
        }
        if ("42601".equals(failure.sqlState()) && failure.message().contains("at or near \"{\"")) {
            return " ({name} stands for a variable where one of that name was set before the start: df.setvar, or vars in the"
                    + " options of df.start)";
        }
        boolean isUntyped =
                "42P18".equals(failure.sqlState()) && failure.message().contains("parameter $");
        return isUntyped
                ? " (a parameter has the type that the statement gives it; write $1::text where it gives none)"
                : "";
    }

    /** The error text of a node whose statement failed. */
    public static String message(Failure failure) {
        boolean several =
                "42601".equals(failure.sqlState()) && failure.message().contains("multiple commands");
        return FAILED + failure.message() + hint(failure, several);
    }
}
