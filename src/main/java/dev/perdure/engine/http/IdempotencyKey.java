package dev.perdure.engine.http;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The {@code Idempotency-Key} of a step: the same for every attempt, another one for every other step, round of a loop and
 * instance. The time of the start tells apart instances that had the same id, one after the other.
 */
final class IdempotencyKey {

    private static final int BYTES = 16;

    private IdempotencyKey() {}

    /**
     * Derives the key, 32 hexadecimal digits.
     *
     * @param started when the instance was started, as the database prints it
     * @param step see {@link dev.perdure.flow.Effect.SendHttp#step}
     */
    static String of(String instance, String started, String node, String step) {
        String text = String.join("\u001f", instance, started, node, step);
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("This Java has no SHA-256", e);
        }
    }
}
