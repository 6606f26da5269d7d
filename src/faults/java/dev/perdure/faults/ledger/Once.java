package dev.perdure.faults.ledger;

/** Exactly once: the rule of every step that shares a transaction with its checkpoint. */
final class Once {

    private Once() {}

    static void check(String step, Extent extent, int times, Effects effects, Findings findings) {
        int count = effects.of(step);
        switch (extent) {
            case DONE -> {
                if (count < times) {
                    findings.add(Violation.Kind.MISSING, step + " took effect " + count + " of " + times + " times");
                }
                atMost(step, count, times, findings);
            }
            case PARTLY -> atMost(step, count, times, findings);
            case NEVER -> never(step, count, findings);
        }
    }

    static void never(String step, int count, Findings findings) {
        if (count > 0) {
            findings.add(Violation.Kind.UNEXPECTED, step + " took effect and must not have");
        }
    }

    private static void atMost(String step, int count, int times, Findings findings) {
        if (count > times) {
            findings.add(Violation.Kind.DOUBLED, step + " took effect " + count + " times instead of " + times);
        }
    }
}
