package dev.perdure.store;

import dev.perdure.database.Failure;

/** An exchange with the journal that was not answered, or refused as a whole. */
public final class JournalException extends Exception {

    private static final long serialVersionUID = 1L;

    private final transient Failure failure;

    public JournalException(Failure failure, Throwable cause) {
        super(failure.message(), cause);
        this.failure = failure;
    }

    public Failure failure() {
        return failure;
    }
}
