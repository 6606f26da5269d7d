package dev.perdure.step.http;

import io.vertx.core.buffer.Buffer;

/** Size of a body once it is stored: escaped in JSON where it is text, base64 where it is not. */
final class StoredSize {

    private long asText;
    private long raw;
    private boolean nul;

    void add(Buffer piece) {
        raw += piece.length();
        for (int i = 0; i < piece.length(); i++) {
            byte unit = piece.getByte(i);
            nul |= unit == 0;
            asText += unit >= ' ' || unit < 0
                    ? (unit == '"' || unit == '\\' ? 2 : 1)
                    : (unit == '\n' || unit == '\r' || unit == '\t' || unit == '\b' || unit == '\f' ? 2 : 6);
        }
    }

    /** The most that it can be; which of the two forms it gets is known at the end. */
    long bytes() {
        long base64 = (raw + 2) / 3 * 4;
        return nul ? base64 : Math.max(base64, asText);
    }
}
