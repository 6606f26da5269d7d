package dev.perdure.engine.sql;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Statements that lately took too long to share a transaction, by role and by text before substitution. Thread-safe. */
final class LongStatements {

    private static final int KNOWN = 1000;

    private record Statement(long role, int length, long hash) {}

    private final Map<Statement, Boolean> known = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Statement, Boolean> eldest) {
            return size() > KNOWN;
        }
    };

    synchronized void remember(long role, @Nullable String template) {
        if (template != null) {
            known.put(statement(role, template), true);
        }
    }

    synchronized boolean contains(long role, String template) {
        return !known.isEmpty() && known.containsKey(statement(role, template));
    }

    /** Two texts with the same hash are harmless: a statement that does not join runs alone. */
    private static Statement statement(long role, String template) {
        long hash = 1125899906842597L;
        for (int i = 0; i < template.length(); i++) {
            hash = 31 * hash + template.charAt(i);
        }
        return new Statement(role, template.length(), hash);
    }
}
