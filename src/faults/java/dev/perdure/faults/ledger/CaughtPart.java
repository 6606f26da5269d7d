package dev.perdure.faults.ledger;

import java.util.List;

/**
 * A step that commits and one that fails, whose failure is handled: the first one's row is there, the second one's is not, and the handler
 * runs as any other part. A crash may neither run it without the failure nor leave it out.
 *
 * @param before commits
 * @param failing fails each time
 * @param handler runs then
 */
record CaughtPart(Shape before, FailingStep failing, Shape handler) implements Shape {

    @Override
    public String dsl() {
        return "df.catch((" + before.dsl() + " ~> " + failing.dsl() + "), " + handler.dsl() + ", '{22012}')";
    }

    @Override
    public boolean fails() {
        return handler.fails();
    }

    @Override
    public int width() {
        return Math.max(before.width(), handler.width());
    }

    @Override
    public List<Shape> parts() {
        return List.of(before, failing, handler);
    }

    @Override
    public void check(Extent extent, int times, Effects effects, Findings findings) {
        Sequence.of(before, handler).check(extent, times, effects, findings);
        failing.check(extent, times, effects, findings);
    }

    @Override
    public boolean began(Effects effects) {
        return before.began(effects) || handler.began(effects);
    }
}
