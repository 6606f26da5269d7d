package dev.perdure.session;

import dev.perdure.database.Failure;
import dev.perdure.session.wire.PackedRows;
import dev.perdure.session.wire.Replies;
import dev.perdure.session.wire.Wire;
import java.nio.charset.CharacterCodingException;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * Answers to a checkpoint with its commit, see {@link StepMessages#commit}.
 *
 * @param failure why it is not certain that the checkpoint is committed; null when it is
 * @param isCancelled whether the instance is cancelled
 */
record CommitReplies(@Nullable Failure failure, boolean isCancelled) {

    private static final int CHECKPOINT = 1;
    private static final int COMMIT = 2;
    private static final String CANCELLED = ":cancelled";

    static CommitReplies read(Replies replies, String receipt, Wire wire) {
        Failure failure = failure(replies, wire);
        if (failure != null) {
            return new CommitReplies(failure, false);
        }
        String answer = String.valueOf(answer(replies.done().get(CHECKPOINT).rows()));
        boolean isCancelled = answer.endsWith(CANCELLED);
        String rest = isCancelled ? answer.substring(0, answer.length() - CANCELLED.length()) : answer;
        return receipt.equals(rest) || (receipt + ":prepared").equals(rest)
                ? new CommitReplies(null, isCancelled)
                : new CommitReplies(
                        new Failure(
                                Failure.Kind.CONNECTION_LOST, null, "the checkpoint was not answered with its receipt"),
                        false);
    }

    private static @Nullable Failure failure(Replies replies, Wire wire) {
        int done = replies.done().size();
        SQLException e = replies.failure();
        if (e != null && done <= COMMIT) {
            Failure failure = done == CHECKPOINT && !wire.isClosed()
                    ? Failure.ofCheckpoint(e)
                    : Failure.ofStatement(e, wire.isClosed());
            // The answers may have been lost behind the commit.
            return wire.isClosed() && failure.kind() != Failure.Kind.STEP
                    ? failure.as(Failure.Kind.CONNECTION_LOST)
                    : failure;
        }
        if (!"COMMIT".equals(replies.done().get(COMMIT).tag())) {
            return new Failure(Failure.Kind.STEP, null, "the step kept its transaction from being committed");
        }
        return null;
    }

    private static @Nullable String answer(PackedRows rows) {
        try {
            return rows.next() ? rows.text(0) : null;
        } catch (CharacterCodingException e) {
            return null;
        }
    }
}
