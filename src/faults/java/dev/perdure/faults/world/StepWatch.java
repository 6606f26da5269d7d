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

    private static final Map<String, Subject> CHECKPOINTS = Map.of(
            "df.checkpoint(", Subject.STEP,
            "df.checkpoint_item(", Subject.ITEM,
            "df.checkpoint_items(", Subject.ITEM,
            "df.checkpoint_map(", Subject.ITEM);
    private static final String SECOND_MESSAGE = "df._before_checkpoint(";
    private static final String SAVEPOINT = "SAVEPOINT perdure_step_";
    private static final Map<String, Subject> WRITES = Map.of(
            "df._write(", Subject.STEP,
            "df._freeze(", Subject.ITEM,
            "df._open_items(", Subject.ITEM,
            "df._admit(", Subject.ADMISSION,
            "df._run_schedules(", Subject.PLANNED);
    private static final Map<String, Point> ANSWERS_TO_OWNER =
            Map.of("df._begin(", Point.AFTER_BEGIN, "df._load(", Point.AFTER_LOAD);

    private final Map<String, String> statements = new HashMap<>();
    private final Map<String, String> portals = new HashMap<>();
    /** What was sent and not answered, in order; {@link #SYNC} between pipelines. */
    private final Deque<String> unanswered = new ArrayDeque<>();

    private boolean checkpointSent;
    private boolean checkpointDone;
    /** Of the transaction, by its checkpoint. */
    private Subject subject = Subject.STEP;
    /** By the row of the answer that is being read; most questions let nobody begin. */
    private boolean admitted;

    private boolean joins;
    private boolean stepDone;
    private boolean committed;

    /** The point that the client is at with this message, which was not passed on yet. */
    synchronized @Nullable Spot fromClient(Protocol.Message message) {
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
                checkpointSent |= in(sql, CHECKPOINTS) != null;
            }
            case 'S' -> unanswered.add(SYNC);
            case 'Q' -> {
                unanswered.add(SIMPLE + message.text(0));
                unanswered.add(SYNC);
                checkpointSent |= in(message.text(0), CHECKPOINTS) != null;
                return before(message.text(0));
            }
            default -> {}
        }
        return null;
    }

    private static @Nullable Subject in(String sql, Map<String, Subject> calls) {
        for (Map.Entry<String, Subject> call : calls.entrySet()) {
            if (sql.contains(call.getKey())) {
                return call.getValue();
            }
        }
        return null;
    }

    private static Spot step(Point point) {
        return new Spot(point, Subject.STEP);
    }

    private @Nullable Spot before(String sql) {
        Subject checkpoint = in(sql, CHECKPOINTS);
        if (checkpoint != null) {
            subject = checkpoint;
            return new Spot(Point.BEFORE_CHECKPOINT, checkpoint);
        }
        if (sql.contains(SECOND_MESSAGE)) {
            return step(Point.BEFORE_SECOND_MESSAGE);
        }
        Subject write = in(sql, WRITES);
        if (write != null) {
            return new Spot(Point.BEFORE_WRITE, write);
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
            return new Spot(Point.BEFORE_COMMIT, subject);
        }
        if (!sql.contains(STEP)) {
            return null;
        }
        return step(joins ? Point.BEFORE_NEXT_STATEMENT : Point.BEFORE_STATEMENT);
    }

    private static boolean isCommit(String sql) {
        return sql.strip().toUpperCase(Locale.ROOT).startsWith("COMMIT");
    }

    /** The point that the server's message leads to; it was not passed on yet. */
    synchronized @Nullable Spot fromServer(Protocol.Message message) {
        switch (message.type()) {
            case 'D' -> admitted = message.firstColumnIsNotZero();
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
                if (in(sql, CHECKPOINTS) != null) {
                    checkpointSent = false;
                    checkpointDone = true;
                    notifyAll();
                }
                if (checkpointDone && message.type() == 'C' && message.text(0).equals("COMMIT")) {
                    checkpointDone = false;
                    committed = true;
                    return new Spot(Point.AFTER_COMMIT, subject);
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

    private @Nullable Spot answered(String sql) {
        Subject write = in(sql, WRITES);
        if (write != null) {
            return write == Subject.ADMISSION && !admitted ? null : new Spot(Point.AFTER_WRITE, write);
        }
        for (Map.Entry<String, Point> call : ANSWERS_TO_OWNER.entrySet()) {
            if (sql.contains(call.getKey())) {
                return step(call.getValue());
            }
        }
        return null;
    }

    private @Nullable Spot ready(Protocol.Message message) {
        boolean isOpen = message.bytes()[5] == 'T';
        boolean hadStep = stepDone;
        boolean hadCommit = committed;
        stepDone = false;
        committed = false;
        if (hadCommit) {
            return step(Point.AFTER_RESET);
        }
        return hadStep && isOpen ? step(Point.AFTER_STATEMENTS) : null;
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
