package dev.perdure.faults.ledger;

/**
 * A promise that was not kept.
 *
 * @param instance its id, or the label of a start that left no instance
 */
public record Violation(Kind kind, String instance, String what) {

    /** Which promise. */
    public enum Kind {
        /** An acknowledged start of which nothing is there. */
        LOST,
        /** It has not ended. */
        STUCK,
        /** An effect that is missing. */
        MISSING,
        /** An effect that happened more than once. */
        DOUBLED,
        /** An effect of something that must not have run: rolled back, not chosen, cancelled before it started. */
        UNEXPECTED,
        /** It ended in another way than it had to. */
        WRONG_END,
        /** It ended more than once, or went on after its end. */
        ENDED_AGAIN,
        /** A step outside a transaction that is not marked so. */
        UNMARKED,
        /** More ran of a queue at once than it has slots, began than its rate allows, or held a dedup key, or a slot that nobody has was not given back. */
        LIMIT,
        /** A step that was sent with more than one Idempotency-Key, or shares one with another step. */
        IDEMPOTENCY_KEY
    }

    @Override
    public String toString() {
        return kind + " " + instance + ": " + what;
    }
}
