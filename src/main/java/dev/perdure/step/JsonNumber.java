package dev.perdure.step;

import dev.perdure.session.StepFailedException;

/** Numbers as they are once they are written out: a few characters can stand for a hundred thousand digits. */
final class JsonNumber {

    /** The limits of {@code numeric}, and so of {@code jsonb} (manual, 8.1.2). */
    static final int MAX_BEFORE_POINT = 131_072;

    static final int MAX_BEHIND_POINT = 16_383;

    private JsonNumber() {}

    static void appendFloat(String text, JsonOut out) throws StepFailedException {
        switch (text) {
            case "NaN", "Infinity", "-Infinity" -> out.append("null");
            default -> out.number(text, digits(text, 0, text.length()));
        }
    }

    /**
     * The number of characters of a number written without an exponent.
     *
     * @return -1 when {@code numeric} cannot hold it
     */
    static long digits(String text, int from, int to) {
        int exponentAt = to;
        int point = -1;
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            if (c == '.') {
                point = i;
            } else if (c == 'e' || c == 'E') {
                exponentAt = i;
                break;
            }
        }
        int sign = text.charAt(from) == '-' ? 1 : 0;
        long before = (point < 0 ? exponentAt : point) - from - sign;
        long behind = point < 0 ? 0 : exponentAt - point - 1;
        if (exponentAt < to) {
            // More digits than an int has are beyond every limit anyway.
            long exponent = to - exponentAt > 9 ? Integer.MAX_VALUE : Long.parseLong(text, exponentAt + 1, to, 10);
            if (to - exponentAt > 9 && text.charAt(exponentAt + 1) == '-') {
                exponent = -exponent;
            }
            before += exponent;
            behind -= exponent;
        }
        if (before > MAX_BEFORE_POINT || behind > MAX_BEHIND_POINT) {
            return -1;
        }
        return sign + Math.max(1, before) + (behind > 0 ? 1 + behind : 0);
    }
}
