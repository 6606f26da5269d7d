package dev.perdure.session;

import dev.perdure.database.Failure;
import dev.perdure.session.wire.Command;
import dev.perdure.session.wire.Grant;
import dev.perdure.session.wire.PackedRows.Refusal;
import dev.perdure.session.wire.Replies;
import dev.perdure.session.wire.Reply;
import dev.perdure.session.wire.Wire;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Statements of steps with the commands around them. Each command belongs to a statement, which fails with it. */
final class StepPlan {

    /** Bytes that may be in flight while a server that sends a large result does not read: no buffer is smaller. */
    private static final int MAX_AHEAD = 16 * 1024;

    private final boolean beginsTransaction;
    private final List<Command> commands = new ArrayList<>();
    /** For each command the number of the user's statement that it belongs to. */
    private final List<Integer> owners = new ArrayList<>();
    /** The users' statements among the commands. */
    private final List<Integer> statements = new ArrayList<>();

    StepPlan(boolean beginsTransaction) {
        this.beginsTransaction = beginsTransaction;
    }

    boolean beginsTransaction() {
        return beginsTransaction;
    }

    int statements() {
        return statements.size();
    }

    void ours(Command command, int statement) {
        owners.add(statement);
        commands.add(command);
    }

    void statement(Command statement) {
        owners.add(statements.size());
        statements.add(commands.size());
        commands.add(statement);
    }

    /** Sends everything, in one message unless the texts are long, up to the first failure. */
    StepSession.Ran send(Wire wire, Grant grant, long maxBytes) {
        List<Reply> replies = new ArrayList<>();
        int from = 0;
        while (from < commands.size()) {
            int to = end(from);
            Replies part = wire.send(commands.subList(from, to), grant, maxBytes);
            replies.addAll(part.done());
            // What is wrong with the session is said behind the last answer.
            int failed = owners.get(Math.min(replies.size(), to - 1));
            if (part.refusal() != null) {
                return ran(replies, refused(part.refusal(), maxBytes), failed);
            }
            SQLException failure = part.failure();
            if (failure != null) {
                return ran(replies, classify(failure, replies.size(), wire), failed);
            }
            from = to;
        }
        return ran(replies, null, statements.size());
    }

    private int end(int from) {
        long ahead = 0;
        int to = from;
        int firstStatement = statements.isEmpty() ? 0 : statements.get(0);
        while (to < commands.size()) {
            ahead += to > Math.max(from, firstStatement) ? commands.get(to).length() * 3 : 0;
            if (ahead > MAX_AHEAD) {
                return Math.max(to, from + 1);
            }
            to++;
        }
        return to;
    }

    private StepSession.Ran ran(List<Reply> replies, @Nullable Failure failure, int failed) {
        List<Reply> ofUsers = new ArrayList<>();
        for (int i = 0; i < statements.size() && i < failed; i++) {
            ofUsers.add(replies.get(statements.get(i)));
        }
        return new StepSession.Ran(ofUsers, failure, failed);
    }

    private Failure classify(SQLException e, int command, Wire wire) {
        Failure failure = Failure.ofStatement(e, wire.isClosed());
        // A server that cannot even begin is no primary: a standby says 0A000 to READ WRITE.
        boolean unfit = beginsTransaction && command == 0 && failure.kind() == Failure.Kind.STEP;
        return unfit ? failure.as(Failure.Kind.CONNECTION_LOST) : failure;
    }

    private static Failure refused(Refusal refusal, long maxBytes) {
        return switch (refusal) {
            case TOO_LARGE ->
                new Failure(
                        Failure.Kind.STEP,
                        "54000",
                        "the result is larger than perdure.step.max-result-size (" + maxBytes
                                + " bytes); return fewer rows, or keep them in a table");
            case NO_MEMORY ->
                new Failure(
                        Failure.Kind.NO_MEMORY,
                        null,
                        "the result needs more memory than the role can have at this moment");
        };
    }
}
