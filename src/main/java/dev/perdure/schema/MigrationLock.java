package dev.perdure.schema;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Set;

/**
 * One worker migrates at a time: the holder of the lock that {@code COMMENT ON SCHEMA} takes on the schema {@code df}. Only its
 * owner can hold that one; any role may take any advisory lock. The transaction is rolled back at the end, so that nothing is
 * commented. While it is open it sees nothing, so that it does not hold back vacuum.
 */
final class MigrationLock {

    private static final int ATTEMPT_MILLIS = 2_000;
    private static final int PAUSE_MILLIS = 50;
    /** Somebody else has just created the schema, or is about to. */
    private static final Set<String> CREATED_BESIDE = Set.of("23505", "42P06", "55P03");

    private static final String LOCK_NOT_AVAILABLE = "55P03";

    private MigrationLock() {}

    /**
     * Takes the lock for as long as the session lasts; creates the schema where there is none.
     *
     * @param guard a session in autocommit mode
     */
    static void take(Connection guard) throws SQLException, InterruptedException {
        try (Statement statement = guard.createStatement()) {
            statement.execute("SET lock_timeout = " + ATTEMPT_MILLIS);
        }
        SchemaOwnership.check(guard);
        while (!createSchema(guard)) {
            Thread.sleep(PAUSE_MILLIS);
        }
        // Somebody else can have been quicker.
        SchemaOwnership.check(guard);
        guard.setAutoCommit(false);
        while (!lock(guard)) {
            Thread.sleep(PAUSE_MILLIS);
        }
    }

    private static boolean createSchema(Connection guard) throws SQLException {
        try (Statement statement = guard.createStatement()) {
            statement.execute("DO $$ BEGIN IF to_regnamespace('df') IS NULL THEN CREATE SCHEMA df; END IF; END $$");
            return true;
        } catch (SQLException e) {
            if (CREATED_BESIDE.contains(String.valueOf(e.getSQLState()))) {
                return false;
            }
            throw e;
        }
    }

    private static boolean lock(Connection guard) throws SQLException {
        try (Statement statement = guard.createStatement()) {
            statement.execute("COMMENT ON SCHEMA df IS NULL");
            return true;
        } catch (SQLException e) {
            guard.rollback();
            if (LOCK_NOT_AVAILABLE.equals(e.getSQLState())) {
                return false;
            }
            throw e;
        }
    }
}
