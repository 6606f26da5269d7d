package dev.perdure.store;

import java.time.Instant;
import java.time.OffsetDateTime;

/** Times in checkpoints: ISO 8601, and years of more than four digits without a sign, as PostgreSQL reads them. */
final class JsonTime {

    private JsonTime() {}

    static String print(Instant time) {
        String text = time.toString();
        return text.startsWith("+") ? text.substring(1) : text;
    }

    static Instant parse(String text) {
        return OffsetDateTime.parse(text.indexOf('-') > 4 ? "+" + text : text).toInstant();
    }
}
