package dev.perdure.doctor;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.postgresql.PGConnection;

/**
 * Check for a pooler in between, which may take the server's session away between transactions: the leader's lock and
 * whatever a step leaves for its checkpoint would be in somebody else's session.
 */
final class PoolerCheck implements Check {

    private static final String PID = "SELECT pg_catalog.pg_backend_pid()";
    private static final int ROUNDS = 5;

    @Override
    public String subject() {
        return "pooler";
    }

    @Override
    public List<Finding> look(Patient patient) throws SQLException {
        int told = patient.session().unwrap(PGConnection.class).getBackendPID();
        if (patient.value(PID).equals(Integer.toString(told))) {
            return List.of(Finding.ok(subject(), "none: the session is the server's own"));
        }
        return takesSessionsAway(patient)
                ? List.of(Finding.problem(
                        subject(),
                        "a pooler in transaction mode is in between: sessions change from transaction to transaction",
                        "give the worker the server's own address, or a pool in session mode"))
                : List.of(Finding.note(
                        subject(),
                        "a pooler in session mode is in between",
                        "its pool has to have room for " + patient.settings().sessions() + " sessions of the worker"));
    }

    /** While a second client is in a transaction on the session that the first was just served by, the first has another. */
    private static boolean takesSessionsAway(Patient patient) throws SQLException {
        for (int round = 0; round < ROUNDS; round++) {
            String mine = patient.value(PID);
            try (Connection other = Doctor.connect(patient.url());
                    Statement statement = other.createStatement()) {
                other.setAutoCommit(false);
                String others = Patient.rows(other, PID).get(0).get(0);
                if (mine.equals(others)) {
                    return true;
                }
                statement.execute("ROLLBACK");
            }
            if (!patient.value(PID).equals(mine)) {
                return true;
            }
        }
        return false;
    }
}
