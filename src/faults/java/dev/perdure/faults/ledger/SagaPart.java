package dev.perdure.faults.ledger;

import java.util.List;

/**
 * Two steps that are undone because a third one fails, whose failure is handled: each undo takes effect exactly as often as its step did,
 * also when the instance is cancelled on the way, whatever breaks.
 *
 * @param first is undone last
 * @param second is undone first
 * @param failing fails each time
 * @param handler runs when that is undone
 */
record SagaPart(SqlStep first, SqlStep second, FailingStep failing, Shape handler) implements Shape {

    /** What the checker leaves out where it counts what began after a cancel. */
    static final String PREFIX = "undo-";

    @Override
    public String dsl() {
        return "df.catch(df.saga(" + undone(first, "after") + " ~> " + undone(second, "before") + " ~> " + failing.dsl() + "), "
                + handler.dsl() + ", '{22012}')";
    }

    private static String undone(SqlStep step, String register) {
        return "df.with_undo(" + step.dsl() + ", " + undo(step).dsl() + ", '" + register + "')";
    }

    private static SqlStep undo(SqlStep step) {
        return new SqlStep(PREFIX + step.name(), 0);
    }

    @Override
    public boolean fails() {
        return handler.fails();
    }

    @Override
    public int width() {
        return Math.max(1, handler.width());
    }

    @Override
    public List<Shape> parts() {
        return List.of(first, second, failing, handler);
    }

    @Override
    public void check(Extent extent, int times, Effects effects, Findings findings) {
        failing.check(extent, times, effects, findings);
        handler.check(extent, times, effects, findings);
        check(first, true, extent, times, effects, findings);
        check(second, false, extent, times, effects, findings);
    }

    private static void check(
            SqlStep step, boolean isAfter, Extent extent, int times, Effects effects, Findings findings) {
        int done = effects.of(step.name());
        int undone = effects.of(undo(step).name());
        String what = step.name() + " took effect " + done + " times, and what undoes it " + undone + " times";
        // What is registered before its step is undone although that may not have happened.
        if (undone < done || isAfter && undone > done || !isAfter && !effects.isRedriven() && undone > times) {
            findings.add(undone < done ? Violation.Kind.MISSING : Violation.Kind.DOUBLED, what);
        } else if (done > times && !effects.isRedriven()) {
            findings.add(Violation.Kind.DOUBLED, what + " instead of " + times);
        } else if (extent == Extent.NEVER) {
            Once.never(step.name(), done + undone, findings);
        } else if (extent == Extent.DONE && done < times) {
            findings.add(Violation.Kind.MISSING, what + " instead of " + times);
        }
    }

    @Override
    public boolean began(Effects effects) {
        return first.began(effects) || second.began(effects) || handler.began(effects);
    }
}
