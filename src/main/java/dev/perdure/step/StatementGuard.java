package dev.perdure.step;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Refuses statements that would end or replace the step's transaction or identity, before anything is sent. That is
 * courtesy, a clear error in place of a strange one: safety rests on the step protocol (architecture 4), and a text of several
 * statements is refused by the server.
 */
public final class StatementGuard {

    private static final Set<String> TRANSACTION =
            Set.of("BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE");
    private static final int MAX_WORDS = 6;

    private StatementGuard() {}

    /**
     * The problem with a text.
     *
     * @return an error text, or null when the statement may run
     */
    public static @Nullable String refuse(String sql) {
        if (sql.indexOf('\0') >= 0) {
            return "a statement cannot contain a NUL character";
        }
        return refuseKind(words(sql, MAX_WORDS), sql);
    }

    /** The first word in upper case, behind comments; empty when there is none. */
    public static String firstWord(String sql) {
        return word(words(sql, 1), 0);
    }

    private static @Nullable String refuseKind(List<String> words, String sql) {
        String first = word(words, 0);
        String second = word(words, 1);
        String third = word(words, 2);
        if (TRANSACTION.contains(first) || first.equals("PREPARE") && second.equals("TRANSACTION")) {
            return first + " is not allowed in a step: its transaction belongs to the step and is committed together "
                    + "with its checkpoint";
        }
        if (first.equals("SET") || first.equals("RESET")) {
            boolean scope = second.equals("SESSION") || second.equals("LOCAL");
            String what = scope && !third.equals("AUTHORIZATION") ? third : second;
            if (what.equals("ROLE") || what.equals("SESSION") || scope && third.equals("AUTHORIZATION")) {
                return first + " of the role or session authorization is not allowed in a step: it runs as the role "
                        + "that submitted the instance";
            }
        }
        if (first.equals("DISCARD") || first.equals("LISTEN")) {
            return first + " is not allowed in a step: its session is shared with later steps";
        }
        if (first.equals("COPY") && mentionsClient(sql.toUpperCase(Locale.ROOT))) {
            return "COPY from or to the client is not allowed in a step: there is no client";
        }
        return null;
    }

    private static boolean mentionsClient(String upper) {
        return upper.contains("STDIN") || upper.contains("STDOUT");
    }

    private static String word(List<String> words, int index) {
        return index < words.size() ? words.get(index) : "";
    }

    /** The first words in upper case, behind leading semicolons, blanks and comments. */
    private static List<String> words(String sql, int limit) {
        List<String> words = new ArrayList<>();
        int i = 0;
        while (i < sql.length() && words.size() < limit) {
            char c = sql.charAt(i);
            if (c == ';' && words.isEmpty() || Character.isWhitespace(c)) {
                i++;
            } else if (sql.startsWith("--", i)) {
                int end = sql.indexOf('\n', i);
                i = end < 0 ? sql.length() : end + 1;
            } else if (sql.startsWith("/*", i)) {
                i = endOfComment(sql, i);
            } else {
                int end = i;
                while (end < sql.length() && (Character.isLetterOrDigit(sql.charAt(end)) || sql.charAt(end) == '_')) {
                    end++;
                }
                end = Math.max(end, i + 1);
                words.add(sql.substring(i, end).toUpperCase(Locale.ROOT));
                i = end;
            }
        }
        return words;
    }

    /** Comments nest in PostgreSQL (manual, 4.1.5). */
    private static int endOfComment(String sql, int start) {
        int depth = 0;
        int i = start;
        while (i < sql.length()) {
            if (sql.startsWith("/*", i)) {
                depth++;
                i += 2;
            } else if (sql.startsWith("*/", i)) {
                depth--;
                i += 2;
                if (depth == 0) {
                    return i;
                }
            } else {
                i++;
            }
        }
        return sql.length();
    }
}
