package dev.perdure.faults.ledger;

import java.util.List;
import java.util.stream.Collectors;

/** One after the other; a failure ends it. */
record Sequence(List<Shape> parts) implements Shape {

    static Sequence of(Shape... parts) {
        return new Sequence(List.of(parts));
    }

    @Override
    public String dsl() {
        return parts.stream().map(Shape::dsl).collect(Collectors.joining(" ~> ", "(", ")"));
    }

    @Override
    public boolean fails() {
        return parts.stream().anyMatch(Shape::fails);
    }

    @Override
    public int width() {
        return parts.stream().mapToInt(Shape::width).max().orElse(0);
    }

    @Override
    public void check(Extent extent, int times, Effects effects, Findings findings) {
        int last = extent == Extent.PARTLY && times == 1 ? lastBegun(effects) : parts.size();
        boolean failed = false;
        for (int i = 0; i < parts.size(); i++) {
            Extent reached = extent;
            if (failed) {
                reached = Extent.NEVER;
            } else if (extent == Extent.PARTLY && i < last && times == 1) {
                // What came later was begun, so that this had ended.
                reached = Extent.DONE;
            }
            parts.get(i).check(reached, times, effects, findings);
            failed |= parts.get(i).fails();
        }
    }

    private int lastBegun(Effects effects) {
        for (int i = parts.size() - 1; i >= 0; i--) {
            if (parts.get(i).began(effects)) {
                return i;
            }
        }
        return 0;
    }

    @Override
    public boolean began(Effects effects) {
        return parts.stream().anyMatch(part -> part.began(effects));
    }
}
