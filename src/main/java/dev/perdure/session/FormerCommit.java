package dev.perdure.session;

import dev.perdure.database.Failure;
import dev.perdure.session.wire.Wire;
import dev.perdure.store.CheckpointCall;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.postgresql.core.TransactionState;

/** The checkpoint as the engine before the ports sends it; it goes with that. */
final class FormerCommit {

    private FormerCommit() {}

    static String commit(Wire wire, StepMessages messages, CheckpointCall call) throws StepFailedException {
        String answer = null;
        try (PreparedStatement statement =
                wire.connection().prepareStatement(messages.beforeCheckpoint() + "; " + call.sql() + "; COMMIT")) {
            call.bind(statement);
            boolean rows = statement.execute();
            while (rows || statement.getUpdateCount() != -1) {
                if (rows) {
                    ResultSet result = statement.getResultSet();
                    answer = result.next() ? result.getString(1) : null;
                }
                rows = statement.getMoreResults();
            }
        } catch (SQLException e) {
            throw new StepFailedException(Failure.ofStep(e), e);
        }
        if (wire.state() != TransactionState.IDLE) {
            throw fault("the step kept its transaction from being committed");
        }
        CheckpointCall.@Nullable Answer read = call.read(answer);
        if (read == null) {
            throw fault("the step replaced statements of its session");
        }
        return read.status();
    }

    private static StepFailedException fault(String message) {
        return new StepFailedException(new Failure(Failure.Kind.STEP, null, message));
    }
}
