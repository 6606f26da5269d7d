package dev.perdure.faults.ledger;

/** Takes what does not fit. */
@FunctionalInterface
interface Findings {
    void add(Violation.Kind kind, String what);
}
