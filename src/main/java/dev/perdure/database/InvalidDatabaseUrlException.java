package dev.perdure.database;

/** A database URL that cannot be used. The message says why and never contains the password. */
public final class InvalidDatabaseUrlException extends IllegalArgumentException {

    private static final long serialVersionUID = 1L;

    InvalidDatabaseUrlException(String message) {
        super(message);
    }
}
