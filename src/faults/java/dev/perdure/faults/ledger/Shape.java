package dev.perdure.faults.ledger;

import java.util.List;
import java.util.function.Consumer;

/** A workflow, or a part of one, that knows what it must leave in the ledger. */
public interface Shape {

    /** The expression of the DSL that builds it, in parentheses where it has operators. */
    String dsl();

    /** Whether it ends in a failure, when nothing interrupts it. */
    default boolean fails() {
        return false;
    }

    /** How many of its steps can run at the same time. */
    default int width() {
        return 1;
    }

    /** Its parts. */
    default List<Shape> parts() {
        return List.of();
    }

    /**
     * Compares the ledger with what had to happen.
     *
     * @param times how often it runs: the rounds of the loop that it stands in, else 1
     * @param findings takes a sentence for each difference
     */
    void check(Extent extent, int times, Effects effects, Findings findings);

    /** Whether any of its steps took effect. */
    boolean began(Effects effects);

    /** Calls the visitor for this shape and all its parts. */
    default void visit(Consumer<Shape> visitor) {
        visitor.accept(this);
        parts().forEach(part -> part.visit(visitor));
    }
}
