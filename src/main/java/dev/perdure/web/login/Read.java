package dev.perdure.web.login;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A value read, and its source.
 *
 * @param source null where there is no read replica to tell apart
 */
public record Read<T>(T value, @Nullable Source source) {

    /**
     * The server that was read.
     *
     * @param isReplica not the primary
     * @param behindSeconds how old what is seen there may be
     * @param note what people should know of it, or null
     */
    public record Source(boolean isReplica, long behindSeconds, @Nullable String note) {

        static Source primary(@Nullable String note) {
            return new Source(false, 0, note);
        }

        public Optional<String> noted() {
            return Optional.ofNullable(note);
        }
    }
}
