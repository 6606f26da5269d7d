package dev.perdure.faults.ledger;

import java.util.List;
import java.util.Locale;

/**
 * A step and its time limit, which are over at about the same time: exactly one of the step and what runs otherwise takes effect,
 * whatever breaks, and however late the worker that finds it.
 *
 * @param step that may not be done in time
 * @param seconds how long it may take
 * @param otherwise runs when it was not
 */
record LimitedStep(SqlStep step, double seconds, SqlStep otherwise) implements Shape {

    @Override
    public String dsl() {
        return String.format(
                Locale.ROOT, "df.timeout(%s, '%.3f s', %s)", step.dsl(), seconds, otherwise.dsl());
    }

    @Override
    public List<Shape> parts() {
        return List.of(step, otherwise);
    }

    @Override
    public void check(Extent extent, int times, Effects effects, Findings findings) {
        int done = effects.of(step.name()) + effects.of(otherwise.name());
        if (done > times) {
            findings.add(
                    Violation.Kind.DOUBLED,
                    step.name() + " and " + otherwise.name() + " took effect " + done + " times instead of " + times);
        } else if (extent == Extent.NEVER) {
            Once.never(step.name(), done, findings);
        } else if (extent == Extent.DONE && done < times) {
            findings.add(
                    Violation.Kind.MISSING,
                    step.name() + " or " + otherwise.name() + " took effect " + done + " of " + times + " times");
        }
    }

    @Override
    public boolean began(Effects effects) {
        return step.began(effects) || otherwise.began(effects);
    }
}
