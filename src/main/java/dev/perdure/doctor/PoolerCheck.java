package dev.perdure.doctor;

import dev.perdure.database.Pooler;
import java.sql.SQLException;
import java.util.List;

/**
 * Check for a pooler in between, which may take the server's session away between transactions: the leader's lock and
 * whatever a step leaves for its checkpoint would be in somebody else's session.
 */
final class PoolerCheck implements Check {

    @Override
    public String subject() {
        return "pooler";
    }

    @Override
    public List<Finding> look(Patient patient) throws SQLException {
        return switch (Pooler.of(patient.session(), () -> Doctor.connect(patient.url()))) {
            case NONE -> List.of(Finding.ok(subject(), "none: the session is the server's own"));
            case TRANSACTION_MODE ->
                List.of(Finding.problem(
                        subject(),
                        "a pooler in transaction mode is in between: sessions change from transaction to transaction",
                        "give the worker the server's own address, or a pool in session mode"));
            case SESSION_MODE ->
                List.of(Finding.note(
                        subject(),
                        "a pooler in session mode is in between",
                        "its pool has to have room for " + patient.settings().sessions() + " sessions of the worker"));
        };
    }
}
