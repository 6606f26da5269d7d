package dev.perdure.faults.ledger;

import java.util.ArrayList;
import java.util.List;

/** Both at once; the first to end decides, the other is interrupted. Neither may fail. */
record Race(Shape left, Shape right) implements Shape {

    @Override
    public String dsl() {
        return "df.race(" + left.dsl() + ", " + right.dsl() + ")";
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
        if (extent != Extent.DONE) {
            left.check(extent, times, effects, findings);
            right.check(extent, times, effects, findings);
            return;
        }
        List<String> ifLeftWon = new ArrayList<>();
        left.check(Extent.DONE, times, effects, (kind, what) -> ifLeftWon.add(what));
        right.check(Extent.PARTLY, times, effects, (kind, what) -> ifLeftWon.add(what));
        List<String> ifRightWon = new ArrayList<>();
        left.check(Extent.PARTLY, times, effects, (kind, what) -> ifRightWon.add(what));
        right.check(Extent.DONE, times, effects, (kind, what) -> ifRightWon.add(what));
        if (!ifLeftWon.isEmpty() && !ifRightWon.isEmpty()) {
            Findings race = (kind, what) -> findings.add(kind, "of a race: " + what);
            left.check(Extent.DONE, times, effects, race);
            right.check(Extent.PARTLY, times, effects, race);
        }
    }

    @Override
    public boolean began(Effects effects) {
        return left.began(effects) || right.began(effects);
    }
}
