package dev.perdure.faults.ledger;

import java.util.List;

/** Both at once; both end, also when one fails. */
record Join(Shape left, Shape right) implements Shape {

    @Override
    public String dsl() {
        return "df.join(" + left.dsl() + ", " + right.dsl() + ")";
    }

    @Override
    public boolean fails() {
        return left.fails() || right.fails();
    }

    @Override
    public int width() {
        return left.width() + right.width();
    }

    @Override
    public List<Shape> parts() {
        return List.of(left, right);
    }

    @Override
    public void check(Extent extent, int times, Effects effects, Findings findings) {
        left.check(extent, times, effects, findings);
        right.check(extent, times, effects, findings);
    }

    @Override
    public boolean began(Effects effects) {
        return left.began(effects) || right.began(effects);
    }
}
