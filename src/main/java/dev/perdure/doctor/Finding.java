package dev.perdure.doctor;

import org.jspecify.annotations.Nullable;

/**
 * Finding of one check.
 *
 * @param subject what was looked at, in a word or two
 * @param text what was found
 * @param remedy what to do; null when there is nothing to do
 */
public record Finding(Level level, String subject, String text, @Nullable String remedy) {

    /** The severity. */
    public enum Level {
        OK,
        /** Works, and is worth knowing. */
        NOTE,
        /** Something does not work, or will not. */
        PROBLEM
    }

    static Finding ok(String subject, String text) {
        return new Finding(Level.OK, subject, text, null);
    }

    static Finding note(String subject, String text, @Nullable String remedy) {
        return new Finding(Level.NOTE, subject, text, remedy);
    }

    static Finding problem(String subject, String text, @Nullable String remedy) {
        return new Finding(Level.PROBLEM, subject, text, remedy);
    }

    public boolean isProblem() {
        return level == Level.PROBLEM;
    }
}
