package dev.perdure.store;

import org.jspecify.annotations.Nullable;

/**
 * A checkpoint as the tables take it.
 *
 * @param version that it takes
 * @param state JSON of nodes, results and columns; <code>{}</code> claims the version and says nothing else
 * @param also JSON of what else is written; null for nothing
 */
public record CheckpointText(String instance, int version, String state, @Nullable String also) {

    /** Its bytes in UTF-8, as they are sent; at most three for each char. */
    public long bytes() {
        return utf8Length(state) + (also == null ? 0 : utf8Length(also));
    }

    private static long utf8Length(String text) {
        long bytes = text.length();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= 0x80) {
                // Each half of a surrogate pair counts for two.
                bytes += c < 0x800 || Character.isSurrogate(c) ? 1 : 2;
            }
        }
        return bytes;
    }

    /** The write of the owner. */
    public Journal.Write write() {
        return new Journal.Write(instance, version, state, also);
    }
}
