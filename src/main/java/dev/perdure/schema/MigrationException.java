package dev.perdure.schema;

import org.jspecify.annotations.Nullable;

/** The schema {@code df} cannot be installed or upgraded; the message has the cause and the remedy. */
public final class MigrationException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    MigrationException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
