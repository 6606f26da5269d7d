package dev.perdure.database;

import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Error texts as the log may have them. They are written by submitters ({@code RAISE}) and by the services that they call:
 * a line break in one could forge another line of the log, and queries and bodies of requests hold secrets. The whole text
 * is in {@code df.nodes}, for those whom it concerns.
 */
public final class LogText {

    private static final int LONGEST = 500;
    private static final Pattern CREDENTIALS = Pattern.compile("(?i)(https?://)[^/?#\\s]*@");
    private static final Pattern QUERY = Pattern.compile("(?i)(https?://[^?#\\s]*)[?#]\\S*");
    /** An address of an answer: its holder can answer a workflow. */
    private static final Pattern ADDRESS = Pattern.compile("(/api/v1/answers/)[A-Za-z0-9._-]+");

    private static final Pattern BODY = Pattern.compile("(?s)(HTTP(?:_MULTIPART)? [A-Z]+ \\S* returned [0-9]{3}): .*");
    /** What breaks a line, or shows one in another order than it is written. */
    private static final Pattern MISLEADING =
            Pattern.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028-\\u202e\\u2066-\\u2069\\u200e\\u200f\\u061c]+");

    private LogText() {}

    /** The URL of a request without the address by which a workflow is answered. */
    public static String withoutAddress(String url) {
        return ADDRESS.matcher(url).replaceAll("$1…");
    }

    /** The text in one line of at most 500 characters, without the secrets of requests. */
    public static String of(@Nullable String text) {
        if (text == null) {
            return "";
        }
        String safe = CREDENTIALS.matcher(text).replaceAll("$1");
        safe = QUERY.matcher(safe).replaceAll("$1?…");
        safe = ADDRESS.matcher(safe).replaceAll("$1…");
        safe = BODY.matcher(safe).replaceAll("$1");
        safe = MISLEADING.matcher(safe).replaceAll(" ");
        if (safe.length() <= LONGEST) {
            return safe;
        }
        int end = Character.isHighSurrogate(safe.charAt(LONGEST - 1)) ? LONGEST - 1 : LONGEST;
        return safe.substring(0, end) + "… (cut)";
    }
}
