package dev.perdure.engine.sql;

import dev.perdure.database.Failure;
import dev.perdure.flow.Checkpoint;
import dev.perdure.flow.Decision;
import dev.perdure.flow.Effect;
import dev.perdure.flow.InstanceState;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The steps of one instance whose statements succeeded in one transaction, with the decision on each; mostly one step. */
final class SharedTransaction {

    /**
     * The next step, which was rolled back.
     *
     * @param failure the reason; null when only a run in a transaction of its own can tell
     */
    record RolledBack(SqlAttempt attempt, @Nullable Failure failure) {}

    private final List<SqlAttempt> attempts = new ArrayList<>(4);
    private final List<Decision> decisions = new ArrayList<>(4);
    private @Nullable InstanceState ahead;
    private @Nullable RolledBack rolledBack;

    SharedTransaction(SqlAttempt first, Decision decision) {
        add(first, decision);
    }

    void add(SqlAttempt attempt, Decision decision) {
        attempts.add(attempt);
        decisions.add(decision);
    }

    /** The state after all decisions so far. */
    InstanceState ahead(InstanceState state) {
        if (ahead == null) {
            ahead = state.copy();
        }
        ahead.apply(last());
        return ahead;
    }

    /** The wait of the instance after the commit. */
    InstanceState.Waiting waiting(InstanceState state) {
        if (size() == 1) {
            return state.waitingAfter(last());
        }
        InstanceState then = ahead == null ? state : ahead;
        return then.isAt(last()) ? then.waitingAfter(last()) : then.waiting();
    }

    void rolledBack(SqlAttempt attempt, @Nullable Failure failure) {
        rolledBack = new RolledBack(attempt, failure);
    }

    @Nullable RolledBack rolledBack() {
        return rolledBack;
    }

    SqlAttempt first() {
        return attempts.get(0);
    }

    Decision last() {
        return decisions.get(decisions.size() - 1);
    }

    /** The only next effect, when it is a statement; null otherwise. */
    Effect.@Nullable RunSql next() {
        return StepCommit.onlyStep(last());
    }

    int size() {
        return attempts.size();
    }

    List<SqlAttempt> attempts() {
        return attempts;
    }

    List<Decision> decisions() {
        return decisions;
    }

    List<Checkpoint> checkpoints() {
        return decisions.stream().map(Decision::checkpoint).toList();
    }
}
