package dev.perdure.faults.ledger;

import java.util.List;

/** A part without parts of its own, which leaves rows of its name, each time it runs one. */
interface Leaf extends Shape {

    /** Unique in its workflow. */
    String name();

    @Override
    default void check(Extent extent, int times, Effects effects, Findings findings) {
        Once.check(name(), extent, times, effects, findings);
    }

    @Override
    default boolean began(Effects effects) {
        return effects.of(name()) > 0;
    }
}
