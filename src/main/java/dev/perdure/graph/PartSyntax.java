package dev.perdure.graph;

import java.util.Base64;
import java.util.regex.Pattern;

/** The syntax of a part of a multipart request (specification 4.10); {@code df._check_part} has the same rules. */
public final class PartSyntax {

    private static final Pattern WHOLE_REFERENCE =
            Pattern.compile("\\$[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z_][A-Za-z0-9_]*)?\\??|\\{[A-Za-z_][A-Za-z0-9_]*}");
    private static final String TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
    private static final Pattern MEDIA_TYPE = Pattern.compile(TOKEN + "/" + TOKEN + "(\\s*;[\\x20-\\x7e\\t]*)?");

    private PartSyntax() {}

    /** Whether something is to be substituted into this {@code data_b64}. */
    public static boolean hasReference(String data) {
        return data.indexOf('$') >= 0 || data.indexOf('{') >= 0;
    }

    /** Whether {@code data_b64} is one reference and nothing else: a text that is spliced into base64 corrupts it. */
    public static boolean isWholeReference(String data) {
        return WHOLE_REFERENCE.matcher(data.strip()).matches();
    }

    /** The problem with a {@code data_b64} that has references, and more than one whole one. */
    public static String mixed(String partName) {
        return "data_b64 for part '" + partName
                + "' mixes a variable reference with other text. Only a whole-value reference is supported (e.g."
                + " data_b64 => '$result' or '{myvar}'), because splicing into base64 would corrupt the payload.";
    }

    /**
     * The content of a part. White space does not count, and neither does missing padding.
     *
     * @throws IllegalArgumentException when this is no base64
     */
    public static byte[] decode(String base64) {
        return Base64.getDecoder().decode(base64.replaceAll("[ \t\n\f\r]", ""));
    }

    /** Whether this is a media type, with parameters or without. */
    public static boolean isMediaType(String contentType) {
        return MEDIA_TYPE.matcher(contentType).matches();
    }
}
