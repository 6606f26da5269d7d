package dev.perdure.leader;

import org.jspecify.annotations.Nullable;

/** The leader's connection failed, or never came about. */
final class LeaderLostException extends Exception {

    private static final long serialVersionUID = 1L;

    private final @Nullable String sqlState;

    LeaderLostException(String message, @Nullable Throwable cause) {
        this(message, null, cause);
    }

    LeaderLostException(String message, @Nullable String sqlState, @Nullable Throwable cause) {
        super(message, cause);
        this.sqlState = sqlState;
    }

    @Nullable String sqlState() {
        return sqlState;
    }
}
