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

    /** Characters of the text and of its arguments, about. */
    public long length() {
        long length = sql.length();
        for (Argument argument : arguments) {
            length += argument.text() == null ? 0 : argument.text().length();
        }
        return length;
    }

    /**
     * An argument.
     *
     * @param oid of its type, see {@link org.postgresql.core.Oid}
     * @param text null for bytes, and for NULL
     */
    public record Argument(int oid, @Nullable String text, byte @Nullable [] bytes) {

        /** Without the value, which has no place in a log. */
        @Override
        public String toString() {
            return "an argument of type " + oid;
        }
    }
}
