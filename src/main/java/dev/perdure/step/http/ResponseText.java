package dev.perdure.step.http;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A body as the envelope has it: text where it is declared as text or is valid UTF-8, base64 otherwise (specification
 * 4.10). A body with a NUL is base64 whatever it declares, since PostgreSQL stores no text with one.
 */
record ResponseText(String text, boolean base64) {

    private static final int PREVIEW = 512;

    private static final Set<String> TEXT = Set.of(
            "application/json",
            "application/xml",
            "application/javascript",
            "application/ecmascript",
            "application/x-www-form-urlencoded",
            "application/graphql",
            "application/yaml",
            "application/x-yaml");

    static ResponseText of(byte[] body, @Nullable String contentType) {
        if (!hasNul(body)) {
            if (isText(contentType)) {
                return new ResponseText(new String(body, StandardCharsets.UTF_8), false);
            }
            try {
                String text = StandardCharsets.UTF_8
                        .newDecoder()
                        .decode(ByteBuffer.wrap(body))
                        .toString();
                return new ResponseText(text, false);
            } catch (CharacterCodingException e) {
                // Not text then, which is what the question was.
                return new ResponseText(Base64.getEncoder().encodeToString(body), true);
            }
        }
        return new ResponseText(Base64.getEncoder().encodeToString(body), true);
    }

    String encoding() {
        return base64 ? "base64" : "text";
    }

    /** The beginning, for an error text: up to 512 bytes, whole characters. */
    String preview() {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length <= PREVIEW) {
            return text;
        }
        int end = PREVIEW;
        while (end > 0 && (bytes[end] & 0xc0) == 0x80) {
            end--;
        }
        return new String(bytes, 0, end, StandardCharsets.UTF_8) + "... [truncated, " + bytes.length
                + (base64 ? " base64 characters total]" : " bytes total]");
    }

    private static boolean hasNul(byte[] body) {
        for (byte unit : body) {
            if (unit == 0) {
                return true;
            }
        }
        return false;
    }

    private static boolean isText(@Nullable String contentType) {
        if (contentType == null) {
            return false;
        }
        String type = contentType.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
        return type.startsWith("text/")
                || type.endsWith("+json")
                || type.endsWith("+xml")
                || type.endsWith("+yaml")
                || TEXT.contains(type);
    }
}
