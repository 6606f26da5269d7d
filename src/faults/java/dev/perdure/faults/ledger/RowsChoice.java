package dev.perdure.faults.ledger;

import java.util.List;

/**
 * A branch on whether a named result has rows.
 *
 * @param name of the result, unique in its workflow
 * @param rows whether it has any
 * @param taken the branch that runs
 * @param other the one that must not
 */
record RowsChoice(String name, boolean rows, Shape taken, Shape other) implements Shape {

    @Override
    public String dsl() {
        Shape then = rows ? taken : other;
        Shape otherwise = rows ? other : taken;
        return "('SELECT 1 AS x WHERE " + rows + "' |=> 'q_" + name + "' ~> df.if_rows('q_" + name + "', " + then.dsl()
                + ", " + otherwise.dsl() + "))";
    }

    @Override
    public boolean fails() {
        return taken.fails();
    }

    @Override
    public int width() {
        return taken.width();
    }

    @Override
    public List<Shape> parts() {
        return List.of(taken, other);
    }

    @Override
    public void check(Extent extent, int times, Effects effects, Findings findings) {
        taken.check(extent, times, effects, findings);
        other.check(Extent.NEVER, times, effects, findings);
    }

    @Override
    public boolean began(Effects effects) {
        return taken.began(effects) || other.began(effects);
    }
}
