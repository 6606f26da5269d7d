package dev.perdure.config;

/** The databases as they are configured make no sense; the message names the setting to change. */
public final class InvalidDatabasesException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    InvalidDatabasesException(String message) {
        super(message);
    }
}
