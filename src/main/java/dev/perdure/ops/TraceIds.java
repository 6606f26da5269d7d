package dev.perdure.ops;

import dev.perdure.engine.telemetry.InstanceOrigin;
import io.opentelemetry.sdk.trace.IdGenerator;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Ids of traces that follow from the instance, so that every worker that has a part in it, before and after a crash, tells
 * the same trace. All other ids are random.
 */
@Singleton
public class TraceIds implements IdGenerator {

    /**
     * The ids of an instance.
     *
     * @param trace 32 hex digits
     * @param root the span of the instance itself, 16 hex digits
     */
    record Ids(String trace, String root) {}

    private static final ThreadLocal<@Nullable Ids> NEXT = new ThreadLocal<>();

    /** From id and time: ids of instances are free again once retention has deleted them. */
    static Ids of(InstanceOrigin instance) {
        String text = instance.id() + "@" + instance.createdAt();
        String hash = HexFormat.of().formatHex(sha256().digest(text.getBytes(StandardCharsets.UTF_8)));
        return new Ids(hash.substring(0, 32), hash.substring(32, 48));
    }

    /** Runs something that begins the span of the instance itself. */
    static <T> T asRoot(Ids ids, Supplier<T> begin) {
        NEXT.set(ids);
        try {
            return begin.get();
        } finally {
            NEXT.remove();
        }
    }

    @Override
    public String generateSpanId() {
        Ids next = NEXT.get();
        return next == null ? IdGenerator.random().generateSpanId() : next.root();
    }

    @Override
    public String generateTraceId() {
        Ids next = NEXT.get();
        return next == null ? IdGenerator.random().generateTraceId() : next.trace();
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("This Java has no SHA-256", e);
        }
    }
}
