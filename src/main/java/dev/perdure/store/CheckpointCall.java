package dev.perdure.store;

import dev.perdure.flow.Checkpoint;
import dev.perdure.flow.NodeStatus;
import dev.perdure.flow.Result;
import dev.perdure.flow.Transition;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint in the form in which a step's session sends it: the scalar call for the common case (one SQL step
 * completed, and with it enclosing nodes of the same scope), a document for all others.
 */
public final class CheckpointCall {

    /** How the statement of one completed step begins; {@code df._reset_session} looks for it. */
    private static final String STEP = "SELECT df.checkpoint_step(";

    /** How the statement of a document begins; {@code df._reset_session} looks for it. */
    private static final String DOCUMENT = "SELECT df.checkpoint(";

    private static final String SEPARATOR = "\u001f";

    private final String sql;
    private final List<@Nullable Object> arguments;
    private final byte[] token;
    private final String receipt;

    private CheckpointCall(Term term, String sql, String message, List<@Nullable Object> arguments) {
        this.sql = sql;
        this.token = term.token(message);
        this.receipt = term.receipt(token);
        this.arguments = arguments;
    }

    /**
     * Encodes a checkpoint for the session of the step that leads to it.
     *
     * @param stepNode the node whose step has just been executed
     */
    public static CheckpointCall of(Term term, String instance, String stepNode, Checkpoint checkpoint) {
        CheckpointCall scalar = scalar(term, instance, stepNode, checkpoint);
        if (scalar != null) {
            return scalar;
        }
        return document(term, instance, CheckpointDocument.of(checkpoint, Map.of()));
    }

    /**
     * The same for several steps of one instance that share a transaction.
     *
     * @param checkpoints in the order in which they were decided
     */
    public static CheckpointCall ofChain(Term term, String instance, List<Checkpoint> checkpoints) {
        return document(term, instance, CheckpointDocument.ofChain(checkpoints));
    }

    private static CheckpointCall document(Term term, String instance, String document) {
        String message = String.join(SEPARATOR, "D", Long.toString(term.epoch()), instance, document);
        return new CheckpointCall(term, DOCUMENT + "?, ?, ?, ?)", message, List.of(term.epoch(), instance, document));
    }

    private static @Nullable CheckpointCall scalar(Term term, String instance, String stepNode, Checkpoint checkpoint) {
        Transition step = null;
        List<String> parents = new ArrayList<>();
        for (Transition transition : checkpoint.transitions()) {
            if (transition.nodeId().equals(stepNode)) {
                step = transition;
            } else {
                parents.add(transition.nodeId());
            }
        }
        if (step == null || checkpoint.nextExecution() != null || !allLike(step, checkpoint.transitions())) {
            return null;
        }
        Result result = step.result();
        Checkpoint.InstanceEnd end = checkpoint.end();
        if (result == null
                || end != null
                        && (end.status() != Checkpoint.InstanceEnd.Status.COMPLETED
                                || !end.output().equals(result.json()))) {
            return null;
        }
        String parentList = String.join(",", parents);
        String prior = step.priorStamp() == null ? "" : step.priorStamp();
        Instant startedAt = step.startedAt() == null ? Instant.EPOCH : step.startedAt();
        String columns = result.columns() == null ? "" : result.columns();
        String executed = step.executedQuery() == null ? "" : step.executedQuery();
        String message = String.join(
                SEPARATOR,
                "S",
                Long.toString(term.epoch()),
                instance,
                stepNode,
                parentList,
                prior,
                step.stamp(),
                Boolean.toString(end != null),
                startedAt.toString(),
                Integer.toString(step.attempt()),
                result.json(),
                columns,
                executed);
        List<@Nullable Object> arguments = new ArrayList<>();
        arguments.add(term.epoch());
        arguments.add(instance);
        arguments.add(stepNode);
        arguments.add(parentList);
        // NULL is bound and not computed: NULLIF would call an "=" that the user can define.
        arguments.add(step.priorStamp());
        arguments.add(step.stamp());
        arguments.add(end != null);
        arguments.add(startedAt.toString());
        arguments.add(step.attempt());
        arguments.add(result.json());
        arguments.add(columns);
        arguments.add(executed);
        return new CheckpointCall(term, STEP + "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", message, arguments);
    }

    private static boolean allLike(Transition step, List<Transition> transitions) {
        for (Transition transition : transitions) {
            boolean alike = transition.status() == NodeStatus.COMPLETED
                    && transition.stamp().equals(step.stamp())
                    && java.util.Objects.equals(transition.priorStamp(), step.priorStamp())
                    && transition.result() == step.result()
                    && transition.bindings() == null
                    && (transition == step || transition.executedQuery() == null && transition.attempt() == 0);
            if (!alike) {
                return false;
            }
        }
        return true;
    }

    /** The statement; its first parameter is the token, and it returns {@code <instance status>:<receipt>}. */
    public String sql() {
        return sql;
    }

    public boolean isDocument() {
        return sql.startsWith(DOCUMENT);
    }

    public void bind(PreparedStatement statement) throws SQLException {
        statement.setBytes(1, token);
        for (int i = 0; i < arguments.size(); i++) {
            @Nullable Object argument = arguments.get(i);
            if (argument instanceof Long number) {
                statement.setLong(i + 2, number);
            } else if (argument instanceof Integer number) {
                statement.setInt(i + 2, number);
            } else if (argument instanceof Boolean flag) {
                statement.setBoolean(i + 2, flag);
            } else {
                statement.setString(i + 2, (String) argument);
            }
        }
    }

    /**
     * What the call answered.
     *
     * @param status of the instance
     * @param prepared whether the session has statements that the user prepared
     */
    public record Answer(String status, boolean prepared) {}

    /** Reads an answer; null when it is not that of our function: the step has replaced something of its session. */
    public @Nullable Answer read(@Nullable String answer) {
        int end = answer == null ? -1 : answer.indexOf(':');
        if (answer == null || end < 0) {
            return null;
        }
        String status = answer.substring(0, end);
        String rest = answer.substring(end + 1);
        boolean prepared = rest.equals(receipt + ":prepared");
        return prepared || rest.equals(receipt) ? new Answer(status, prepared) : null;
    }
}
