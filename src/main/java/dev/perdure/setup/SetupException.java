package dev.perdure.setup;

/** A setup, or its removal, cannot go on; the message has the cause and the remedy. */
public final class SetupException extends Exception {

    private static final long serialVersionUID = 1L;

    public SetupException(String message) {
        super(message);
    }
}
