package dev.perdure.store;

import org.jspecify.annotations.Nullable;

/** The schema {@code df} cannot be installed or upgraded; the message says why and what to do. */
public final class MigrationException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final boolean permanent;

    MigrationException(String message, boolean permanent, @Nullable Throwable cause) {
        super(message, cause);
        this.permanent = permanent;
    }

    /** Whether a person has to do something first; otherwise (no connection, say) it may be tried again. */
    public boolean isPermanent() {
        return permanent;
    }
}
