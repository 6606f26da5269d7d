package dev.perdure.faults.world;

/** The named points of the step protocol and of the owner's writes (docs/architecture.md, "One step"). */
public enum Point {
    /** The transaction has begun; the statement was sent and has not reached the server. */
    BEFORE_STATEMENT,
    /** In one message with BEGIN: a step was executed, the statement of the one behind it has not reached the server. */
    BEFORE_NEXT_STATEMENT,
    /** All statements of the first message were executed; their answer has not reached the worker. */
    AFTER_STATEMENTS,
    /** The worker knows what the statements returned; nothing of the second message has reached the server. */
    BEFORE_SECOND_MESSAGE,
    /** What precedes the checkpoint was executed; the checkpoint, in the same message, has not reached the server. */
    BEFORE_CHECKPOINT,
    /** The checkpoint was executed; COMMIT, in the same message, has not reached the server. */
    BEFORE_COMMIT,
    /** COMMIT was executed; its answer has not reached the worker. */
    AFTER_COMMIT,
    /** The answer to COMMIT has reached the worker; that to the reset of the session has not. */
    AFTER_RESET,
    /** A decision of the owner (a timer, an answer, a failure, a claim) has not reached the server. */
    BEFORE_WRITE,
    /** A decision of the owner was committed; the answer has not reached the worker. */
    AFTER_WRITE,
    /** An attempt is on record; the answer has not reached the worker, so that it did not begin. */
    AFTER_BEGIN,
    /** Instances were read; their rows have not reached the worker. */
    AFTER_LOAD;

    /** Whether the connection is the owner's, and not a submitter's. */
    public boolean isOfOwner() {
        return compareTo(BEFORE_WRITE) >= 0;
    }
}
