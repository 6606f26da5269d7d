package dev.perdure.store;

import dev.perdure.database.Failure;
import java.util.concurrent.CompletionException;

/** The failure of an exchange with the journal, which was not answered, or refused as a whole. */
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

    /** The failure of a stage of the journal. */
    public static Throwable cause(Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }

    /** Whether a stage of the journal has failed because another term has begun. */
    public static boolean isFenced(Throwable failure) {
        return cause(failure) instanceof JournalException known && known.failure.kind() == Failure.Kind.FENCED;
    }
}
