package dev.perdure.flow.template;

import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Knows, while an SQL text is being written, the kind of the next character: code, a literal, a quoted identifier or a comment (PostgreSQL
 * manual, 4.1). {@code standard_conforming_strings} is on, so a backslash matters in {@code E'…'} only. It follows the text as it is sent,
 * insertions included.
 *
 * <p>The dollar-quoted body of a DO or CREATE statement is code itself and is followed by a lexer of its own.
 */
final class SqlLexer {

    /** The depth from which nesting is not followed, and no text is put in. */
    private static final int MAX_DEPTH = 8;

    /** Statements with expressions in them, in which a literal can have a type of its own. */
    private static final Set<String> WITH_EXPRESSIONS = Set.of(
            "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "VALUES", "TABLE", "EXPLAIN", "CALL", "EXECUTE",
            "DO", "DECLARE");

    private static final Set<String> CREATE_WITH_EXPRESSIONS = Set.of(
            "TABLE",
            "TEMP",
            "TEMPORARY",
            "UNLOGGED",
            "GLOBAL",
            "LOCAL",
            "MATERIALIZED",
            "VIEW",
            "RECURSIVE",
            "OR",
            "FUNCTION",
            "PROCEDURE",
            "INDEX",
            "UNIQUE");

    private enum Mode {
        CODE,
        LITERAL,
        ESCAPE_LITERAL,
        IDENTIFIER,
        LINE_COMMENT,
        BLOCK_COMMENT,
        DOLLAR_TAG,
        DOLLAR_BODY
    }

    /** The text between the end of a literal and here; a newline lets the next quote continue that literal. */
    private enum SinceLiteral {
        NOTHING,
        BLANKS,
        NEWLINE,
        OTHER
    }

    private Mode mode = Mode.CODE;
    private Mode lastLiteral = Mode.LITERAL;
    private SinceLiteral since = SinceLiteral.OTHER;
    /** The identifier, keyword or number that is being read. */
    private final StringBuilder word = new StringBuilder();

    private @Nullable String firstWord;
    private @Nullable String secondWord;
    /** Nothing but U and & has just been read: a quote makes an identifier with escapes of it. */
    private boolean isAfterU;
    /** The identifier in double quotes has escapes: {@code U&"…"}. */
    private boolean hasEscapes;

    private char previous;
    private boolean escaped;
    private int commentDepth;
    private final StringBuilder tag = new StringBuilder();
    /** The text that ends the body being read. */
    private String closing = "";

    private int matched;
    private @Nullable SqlLexer body;
    /** The number of bodies around this one; each character is looked at so many times. */
    private final int depth;

    SqlLexer() {
        this(0);
    }

    private SqlLexer(int depth) {
        this.depth = depth;
    }

    void feed(CharSequence text) {
        for (int i = 0; i < text.length(); i++) {
            feed(text.charAt(i));
        }
    }

    void feed(char c) {
        switch (mode) {
            case CODE -> code(c);
            case LITERAL -> {
                if (c == '\'') {
                    endLiteral();
                }
            }
            case ESCAPE_LITERAL -> {
                if (escaped) {
                    escaped = false;
                } else if (c == '\\') {
                    escaped = true;
                } else if (c == '\'') {
                    endLiteral();
                }
            }
            case IDENTIFIER -> {
                if (c == '"') {
                    enter(Mode.CODE);
                }
            }
            case LINE_COMMENT -> {
                if (isNewline(c)) {
                    enter(Mode.CODE);
                    blank(c);
                }
            }
            case BLOCK_COMMENT -> blockComment(c);
            case DOLLAR_TAG -> dollarTag(c);
            case DOLLAR_BODY -> dollarBody(c);
        }
    }

    /** Why a text that is code by itself must not be put here; null when it may. */
    @Nullable String objection(String text) {
        return switch (mode) {
            case LITERAL, ESCAPE_LITERAL -> "inside a quoted string";
            case LINE_COMMENT, BLOCK_COMMENT -> "inside a comment";
            case IDENTIFIER -> text.indexOf('"') >= 0 ? "inside a quoted identifier" : null;
            case DOLLAR_BODY -> {
                if (text.contains(closing)) {
                    yield "inside a string quoted by " + closing + ", which the value contains";
                }
                if (body == null && isCodeBody()) {
                    yield "inside more than " + MAX_DEPTH + " dollar-quoted strings";
                }
                yield body == null ? null : body.objection(text);
            }
            case CODE, DOLLAR_TAG -> null;
        };
    }

    /** Whether the next character belongs to an identifier in double quotes, also inside a body that is code. */
    boolean isIdentifier() {
        return mode == Mode.IDENTIFIER || body != null && body.isIdentifier();
    }

    /** Why a text, its double quotes doubled, must not be put into the identifier that is being read; null when it may. */
    @Nullable String objectionToIdentifier(String text) {
        if (mode == Mode.DOLLAR_BODY && body != null) {
            return text.contains(closing)
                    ? "inside a string quoted by " + closing + ", which the value contains"
                    : body.objectionToIdentifier(text);
        }
        return hasEscapes && text.indexOf('\\') >= 0 ? "inside an identifier with escapes" : null;
    }

    /** Whether expressions can stand here: ALTER ROLE … VALID UNTIL and its like take a literal and nothing else. */
    boolean takesExpressions() {
        String first = upper(firstWord);
        return WITH_EXPRESSIONS.contains(first)
                || first.equals("CREATE") && CREATE_WITH_EXPRESSIONS.contains(upper(secondWord));
    }

    private static String upper(@Nullable String text) {
        return text == null ? "" : text.toUpperCase(Locale.ROOT);
    }

    /** Whether a minus sign here would make a comment of the one before. */
    boolean isAfterMinus() {
        return mode == Mode.CODE && previous == '-' || body != null && body.isAfterMinus();
    }

    /** Whether the next character is code, also inside a body that is code. */
    boolean isCode() {
        return mode == Mode.CODE || body != null && body.isCode();
    }

    private void code(char c) {
        if (previous == '-' && c != '-') {
            since = SinceLiteral.OTHER;
        }
        if (isWord(c) && !(c == '$' && !isWordIdentifier())) {
            word.append(c);
            isAfterU = false;
            since = SinceLiteral.OTHER;
            previous = c;
            return;
        }
        boolean escapes = isEscapePrefix();
        hasEscapes = isAfterU;
        isAfterU = c == '&' && word.length() == 1 && Character.toUpperCase(word.charAt(0)) == 'U';
        endWord();
        char before = previous;
        previous = c;
        if (c == '\'') {
            boolean continues = since == SinceLiteral.NOTHING || since == SinceLiteral.NEWLINE;
            mode = continues ? lastLiteral : escapes ? Mode.ESCAPE_LITERAL : Mode.LITERAL;
            escaped = false;
        } else if (c == '"') {
            mode = Mode.IDENTIFIER;
        } else if (c == '$') {
            mode = Mode.DOLLAR_TAG;
            tag.setLength(0);
        } else if (c == '-' && before == '-') {
            mode = Mode.LINE_COMMENT;
            return;
        } else if (c == '*' && before == '/') {
            mode = Mode.BLOCK_COMMENT;
            commentDepth = 1;
            previous = 0;
        } else if (Character.isWhitespace(c)) {
            blank(c);
            return;
        } else if (c == '-' && since != SinceLiteral.OTHER) {
            return;
        }
        since = SinceLiteral.OTHER;
    }

    private void blank(char c) {
        if (since == SinceLiteral.OTHER) {
            return;
        }
        if (isNewline(c)) {
            since = SinceLiteral.NEWLINE;
        } else if (since == SinceLiteral.NOTHING) {
            since = SinceLiteral.BLANKS;
        }
    }

    private void endLiteral() {
        lastLiteral = mode;
        enter(Mode.CODE);
        since = SinceLiteral.NOTHING;
    }

    private void enter(Mode next) {
        mode = next;
        previous = 0;
    }

    private void blockComment(char c) {
        if (c == '/' && previous == '*') {
            commentDepth--;
            previous = 0;
            if (commentDepth == 0) {
                mode = Mode.CODE;
            }
        } else if (c == '*' && previous == '/') {
            commentDepth++;
            previous = 0;
        } else {
            previous = c;
        }
    }

    private void dollarTag(char c) {
        if (c == '$') {
            enter(Mode.DOLLAR_BODY);
            matched = 0;
            closing = "$" + tag + "$";
            body = isCodeBody() && depth < MAX_DEPTH ? new SqlLexer(depth + 1) : null;
        } else if (isWord(c) && !(tag.isEmpty() && isDigit(c))) {
            tag.append(c);
        } else {
            enter(Mode.CODE);
            code(c);
        }
    }

    private void dollarBody(char c) {
        matched = c == closing.charAt(matched) ? matched + 1 : c == '$' ? 1 : 0;
        if (matched == closing.length()) {
            enter(Mode.CODE);
            body = null;
        } else if (body != null) {
            body.feed(c);
        }
    }

    private boolean isCodeBody() {
        String first = firstWord == null ? "" : firstWord.toUpperCase(Locale.ROOT);
        return depth > 0 || first.equals("DO") || first.equals("CREATE");
    }

    private void endWord() {
        if (secondWord == null && !word.isEmpty()) {
            if (firstWord == null) {
                firstWord = word.toString();
            } else {
                secondWord = word.toString();
            }
        }
        word.setLength(0);
    }

    /** A dollar sign belongs to an identifier, but not to a number. */
    private boolean isWordIdentifier() {
        return !word.isEmpty() && !isDigit(word.charAt(0));
    }

    /** {@code E}, also right behind a number, where old servers begin a new token. */
    private boolean isEscapePrefix() {
        int last = word.length() - 1;
        if (last < 0 || Character.toUpperCase(word.charAt(last)) != 'E') {
            return false;
        }
        return last == 0 || isDigit(word.charAt(0));
    }

    private static boolean isWord(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || isDigit(c) || c == '_' || c == '$' || c >= 0x80;
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private static boolean isNewline(char c) {
        return c == '\n' || c == '\r';
    }
}
