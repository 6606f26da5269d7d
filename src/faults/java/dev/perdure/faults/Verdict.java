package dev.perdure.faults;

import dev.perdure.faults.ledger.Violation;
import java.util.List;

/**
 * What came of a scenario.
 *
 * @param kind whether it says anything, and what
 * @param text figures, or the reason
 */
public record Verdict(Kind kind, String text) {

    /** Passed, failed, or nothing was tried. */
    public enum Kind {
        PASSED,
        FAILED,
        /** What had to be tried did not come about; this is no success. */
        VOID,
        /** This machine lacks what the scenario needs. */
        SKIPPED
    }

    public static Verdict passed(String figures) {
        return new Verdict(Kind.PASSED, figures);
    }

    public static Verdict failed(String reason) {
        return new Verdict(Kind.FAILED, reason);
    }

    public static Verdict empty(String reason) {
        return new Verdict(Kind.VOID, reason);
    }

    public static Verdict skipped(String reason) {
        return new Verdict(Kind.SKIPPED, reason);
    }

    /** Passed with the figures when nothing was violated. */
    public static Verdict of(List<Violation> violations, String figures) {
        if (violations.isEmpty()) {
            return passed(figures);
        }
        StringBuilder text = new StringBuilder(figures + "; " + violations.size() + " violations");
        violations.stream().limit(30).forEach(violation -> text.append("\n    ").append(violation));
        return failed(text.toString());
    }
}
