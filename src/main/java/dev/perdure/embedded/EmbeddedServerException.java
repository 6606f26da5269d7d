package dev.perdure.embedded;

import org.jspecify.annotations.Nullable;

/** The embedded server does not start or does not answer. */
public final class EmbeddedServerException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    EmbeddedServerException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
