package dev.perdure.faults.ledger;

import java.util.List;

/**
 * A condition that is always true or always false.
 *
 * @param taken the branch that runs
 * @param other the one that must not
 */
record Choice(boolean condition, Shape taken, Shape other) implements Shape {

    @Override
    public String dsl() {
        Shape then = condition ? taken : other;
        Shape otherwise = condition ? other : taken;
        return "df.if('SELECT " + condition + "', " + then.dsl() + ", " + otherwise.dsl() + ")";
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
