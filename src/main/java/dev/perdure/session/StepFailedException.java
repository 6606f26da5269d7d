package dev.perdure.session;

import dev.perdure.database.Failure;

/** An error of a step's session, classified. */
public final class StepFailedException extends Exception {

    private static final long serialVersionUID = 1L;

    private final transient Failure failure;

    public StepFailedException(Failure failure, Throwable cause) {
        super(failure.message(), cause);
        this.failure = failure;
    }

    public StepFailedException(Failure failure) {
        super(failure.message());
        this.failure = failure;
    }

    public Failure failure() {
        return failure;
    }
}
