package dev.perdure.session.wire;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A statement as it is sent: one, whatever its text says. It is never taken apart here; the server refuses a text with several.
 *
 * @param sql with {@code $1} and so on for arguments
 */
public record Command(String sql, List<Argument> arguments) {

    public Command(String sql, Argument... arguments) {
        this(sql, List.of(arguments));
    }

    /**
     * An argument.
     *
     * @param oid of its type, see {@link org.postgresql.core.Oid}
     * @param text null for bytes, and for NULL
     */
    public record Argument(int oid, @Nullable String text, byte @Nullable [] bytes) {}
}
