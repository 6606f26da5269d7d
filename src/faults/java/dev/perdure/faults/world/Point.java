package dev.perdure.faults.world;

/** The named points of the step protocol (docs/architecture.md, "One step"). */
public enum Point {
    /** The transaction has begun; the statement was sent and has not reached the server. */
    BEFORE_STATEMENT,
    /** The statement was executed; the checkpoint has not reached the server. */
    BEFORE_CHECKPOINT,
    /** The checkpoint was executed; COMMIT has not reached the server. */
    BEFORE_COMMIT,
    /** COMMIT was executed; its answer has not reached the worker. */
    AFTER_COMMIT
}
