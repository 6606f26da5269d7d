package dev.perdure.engine;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Which statements lately took little time, by role and by text before substitution: only those may share a
 * transaction with the step before them. One that was never seen is not short. Thread-safe.
 */
final class ShortSteps {

    private static final int KNOWN = 10_000;
    private static final int ENOUGH = 3;
    private static final int MAX = 8;
    // A single run that had to wait for a processor does not make a short statement a long one; two in a row do.
    private static final int SLOW = -4;

    private record Statement(long role, int length, long hash) {}

    private final long limitNanos;
    private final Map<Statement, Integer> shortRuns = new LinkedHashMap<>(64, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Statement, Integer> eldest) {
            return size() > KNOWN;
        }
    };

    ShortSteps(Duration limit) {
        this.limitNanos = limit.toNanos();
    }

    /** Whether the statement was short the last few times. */
    boolean contains(long role, String template) {
        Statement statement = statement(role, template);
        synchronized (shortRuns) {
            return shortRuns.getOrDefault(statement, 0) >= ENOUGH;
        }
    }

    /** The statement took the given time. */
    void took(long role, String template, long nanos) {
        Statement statement = statement(role, template);
        synchronized (shortRuns) {
            int step = nanos < limitNanos ? 1 : SLOW;
            shortRuns.merge(statement, Math.max(0, step), (runs, any) -> Math.max(0, Math.min(MAX, runs + step)));
        }
    }

    /** The statement failed, or was given up: it has to prove itself again. */
    void forget(long role, String template) {
        synchronized (shortRuns) {
            shortRuns.remove(statement(role, template));
        }
    }

    /** Two texts that are taken for one are harmless: a statement that is not short after all is cut off. */
    private static Statement statement(long role, String template) {
        long hash = 1125899906842597L;
        for (int i = 0; i < template.length(); i++) {
            hash = 31 * hash + template.charAt(i);
        }
        return new Statement(role, template.length(), hash);
    }
}
