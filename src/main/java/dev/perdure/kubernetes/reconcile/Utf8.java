package dev.perdure.kubernetes.reconcile;

/** Text by its size in UTF-8. */
final class Utf8 {

    private static final String CUT = "…";
    private static final int CUT_BYTES = 3;

    private Utf8() {}

    /** The text, or as much of its beginning as fits together with a mark that says so; never a part of a character. */
    static String cut(String text, int bytes) {
        int used = 0;
        int fits = 0;
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            used += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
            if (used > bytes) {
                return text.substring(0, fits) + CUT;
            }
            i += Character.charCount(c);
            if (used <= bytes - CUT_BYTES) {
                fits = i;
            }
        }
        return text;
    }
}
