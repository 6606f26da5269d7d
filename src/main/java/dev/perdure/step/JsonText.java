package dev.perdure.step;

import dev.perdure.database.Failure;
import dev.perdure.flow.result.Json;
import dev.perdure.session.StepFailedException;

/**
 * A value of type {@code json} or {@code jsonb} in a result. The document becomes {@code jsonb}, so what that cannot hold is
 * found here: {@code json} is any text of the right form. What it takes to bring it into the form of {@code jsonb} is counted
 * before.
 */
final class JsonText {

    /** The memory of a value while it is read: as Java keeps it, a node and its place in the one around it. */
    private static final long NODE = 96;

    private final String text;
    private final String column;
    private int at;
    private long nodes = 1;
    private long characters;

    private JsonText(String text, String column) {
        this.text = text;
        this.column = column;
    }

    static void append(String text, String column, JsonOut out) throws StepFailedException {
        JsonText json = new JsonText(text, column);
        json.scan();
        out.expect(json.characters);
        long memory = json.nodes * NODE + 2 * (json.characters + text.length());
        out.memory().take(memory);
        out.append(Json.canonical(text));
        out.memory().giveBack(memory);
    }

    private void scan() throws StepFailedException {
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == '"') {
                string();
            } else if (c == '-' || c >= '0' && c <= '9') {
                number();
            } else {
                if (c > ' ') {
                    characters++;
                }
                if (c == ',' || c == ':' || c == '{' || c == '[') {
                    nodes++;
                }
                at++;
            }
        }
    }

    private void number() throws StepFailedException {
        int from = at;
        while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        long digits = JsonNumber.digits(text, from, at);
        if (digits < 0) {
            throw cannot("22003", "a number that is out of the range of numeric");
        }
        characters += digits;
    }

    private void string() throws StepFailedException {
        int from = at;
        boolean high = false;
        at++;
        while (at < text.length() && text.charAt(at) != '"') {
            boolean escape = text.charAt(at) == '\\';
            int unit = escape && at + 5 < text.length() && text.charAt(at + 1) == 'u'
                    ? Integer.parseInt(text, at + 2, at + 6, 16)
                    : -1;
            if (unit == 0) {
                throw cannot("22P05", "the Unicode character \\u0000");
            }
            boolean low = unit >= 0xdc00 && unit <= 0xdfff;
            if (high != low) {
                throw cannot("22P02", "half of a surrogate pair");
            }
            high = unit >= 0xd800 && unit <= 0xdbff;
            at += unit >= 0 ? 6 : escape ? 2 : 1;
        }
        if (high) {
            throw cannot("22P02", "half of a surrogate pair");
        }
        at++;
        characters += at - from;
    }

    private StepFailedException cannot(String sqlState, String what) {
        return new StepFailedException(new Failure(
                Failure.Kind.STEP,
                sqlState,
                "column '" + column + "' holds " + what + ", which jsonb cannot hold; return it as text"));
    }
}
