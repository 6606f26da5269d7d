package dev.perdure.faults.ledger;

import java.util.List;

/** A condition whose outcome is known: one branch runs, and the other must not. */
interface TwoWays extends Shape {

    /** The branch that runs. */
    Shape taken();

    /** The one that must not. */
    Shape other();

    @Override
    default boolean fails() {
        return taken().fails();
    }

    @Override
    default int width() {
        return taken().width();
    }

    @Override
    default List<Shape> parts() {
        return List.of(taken(), other());
    }

    @Override
    default void check(Extent extent, int times, Effects effects, Findings findings) {
        taken().check(extent, times, effects, findings);
        other().check(Extent.NEVER, times, effects, findings);
    }

    @Override
    default boolean began(Effects effects) {
        return taken().began(effects) || other().began(effects);
    }
}
