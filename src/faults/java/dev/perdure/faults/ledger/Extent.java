package dev.perdure.faults.ledger;

/** How far a part of a workflow came. */
enum Extent {
    /** It ran to its end, well or badly. */
    DONE,
    /** It may have been interrupted at any point: a lost race, a cancelled instance. */
    PARTLY,
    /** It was never begun. */
    NEVER
}
