package dev.perdure.faults.world;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Follows one connection and recognises the points of the step protocol by the content of the statements, prepared or
 * not. Nothing in the worker helps it.
 */
final class StepWatch {

    private static final String SYNC = "";
    private static final String SIMPLE = "simple: ";
    /** What marks a statement as one of the ledger's. */
    private static final String STEP = "app.effects";

    private static final String CHECKPOINT = "df.checkpoint(";
    private static final String SECOND_MESSAGE = "df._before_checkpoint(";
    private static final String SAVEPOINT = "SAVEPOINT perdure_step_";
    private static final String WRITE = "df._write(";
    private static final Map<String, Point> ANSWERS_TO_OWNER =
            Map.of(WRITE, Point.AFTER_WRITE, "df._begin(", Point.AFTER_BEGIN, "df._load(", Point.AFTER_LOAD);

    private final Map<String, String> statements = new HashMap<>();
    private final Map<String, String> portals = new HashMap<>();
    /** What was sent and not answered, in order; {@link #SYNC} between pipelines. */
    private final Deque<String> unanswered = new ArrayDeque<>();

    private boolean checkpointSent;
    private boolean checkpointDone;
    private boolean joins;
    private boolean stepDone;
    private boolean committed;

    /** The point that the client is at with this message, which was not passed on yet. */
    synchronized @Nullable Point fromClient(Protocol.Message message) {
        switch (message.type()) {
            case 'P' -> {
                statements.put(message.text(0), message.text(1));
                return before(message.text(1));
            }
            case 'B' -> {
                String sql = statements.getOrDefault(message.text(1), "");
                portals.put(message.text(0), sql);
                // A statement that was parsed before, under a name of its own.
                return message.text(1).isEmpty() ? null : before(sql);
            }
            case 'E' -> {
                String sql = portals.getOrDefault(message.text(0), "");
                unanswered.add(sql);
                if (sql.contains(CHECKPOINT)) {
                    checkpointSent = true;
                }
            }
            case 'S' -> unanswered.add(SYNC);
            case 'Q' -> {
                unanswered.add(SIMPLE + message.text(0));
                unanswered.add(SYNC);
                checkpointSent |= message.text(0).contains(CHECKPOINT);
                return before(message.text(0));
            }
            default -> {}
        }
        return null;
    }

    private @Nullable Point before(String sql) {
        if (sql.contains(CHECKPOINT)) {
            return Point.BEFORE_CHECKPOINT;
        }
        if (sql.contains(SECOND_MESSAGE)) {
            return Point.BEFORE_SECOND_MESSAGE;
        }
        if (sql.contains(WRITE)) {
            return Point.BEFORE_WRITE;
        }
        if (sql.startsWith("BEGIN")) {
            joins = false;
            return null;
        }
        if (sql.startsWith(SAVEPOINT)) {
            joins = true;
            return null;
        }
        if (isCommit(sql) && (checkpointSent || checkpointDone)) {
            return Point.BEFORE_COMMIT;
        }
        if (!sql.contains(STEP)) {
            return null;
        }
        return joins ? Point.BEFORE_NEXT_STATEMENT : Point.BEFORE_STATEMENT;
    }

    private static boolean isCommit(String sql) {
        return sql.strip().toUpperCase(Locale.ROOT).startsWith("COMMIT");
    }

    /** The point that the server's message leads to; it was not passed on yet. */
    synchronized @Nullable Point fromServer(Protocol.Message message) {
        switch (message.type()) {
            case 'C', 'I', 's' -> {
                String sql = unanswered.peek();
                if (sql == null || sql.equals(SYNC)) {
                    return null;
                }
                // A simple query is answered by one message for each of its statements, and ends with ReadyForQuery.
                if (!sql.startsWith(SIMPLE)) {
                    unanswered.poll();
                }
                if (message.type() == 'C' && message.text(0).equals("BEGIN")) {
                    checkpointDone = false;
                    stepDone = false;
                }
                stepDone |= sql.contains(STEP);
                if (sql.contains(CHECKPOINT)) {
                    checkpointSent = false;
                    checkpointDone = true;
                    notifyAll();
                }
                if (checkpointDone && message.type() == 'C' && message.text(0).equals("COMMIT")) {
                    checkpointDone = false;
                    committed = true;
                    return Point.AFTER_COMMIT;
                }
                return message.type() == 'C' ? answered(sql) : null;
            }
            case 'E' -> {
                checkpointSent = false;
                checkpointDone = false;
                notifyAll();
            }
            case 'Z' -> {
                for (String sql = unanswered.poll(); sql != null && !sql.equals(SYNC); ) {
                    sql = unanswered.poll();
                }
                return ready(message);
            }
            default -> {}
        }
        return null;
    }

    private static @Nullable Point answered(String sql) {
        for (Map.Entry<String, Point> call : ANSWERS_TO_OWNER.entrySet()) {
            if (sql.contains(call.getKey())) {
                return call.getValue();
            }
        }
        return null;
    }

    private @Nullable Point ready(Protocol.Message message) {
        boolean isOpen = message.bytes()[5] == 'T';
        boolean hadStep = stepDone;
        boolean hadCommit = committed;
        stepDone = false;
        committed = false;
        if (hadCommit) {
            return Point.AFTER_RESET;
        }
        return hadStep && isOpen ? Point.AFTER_STATEMENTS : null;
    }

    /** Waits until the server has executed the checkpoint, or refused it. */
    synchronized void awaitCheckpoint(Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        while (checkpointSent && System.nanoTime() < deadline) {
            try {
                wait(100);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }
}
