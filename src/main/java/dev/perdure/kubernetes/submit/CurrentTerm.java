package dev.perdure.kubernetes.submit;

import jakarta.inject.Singleton;
import org.jspecify.annotations.Nullable;

/** The term in which this worker leads, if it does. Thread-safe. */
@Singleton
public class CurrentTerm {

    private volatile @Nullable OperatorTerm term;

    public void set(@Nullable OperatorTerm now) {
        term = now;
    }

    /** The term; null while this worker does not lead. */
    public @Nullable OperatorTerm orNull() {
        return term;
    }
}
