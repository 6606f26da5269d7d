package dev.perdure.kubernetes.submit;

import jakarta.inject.Singleton;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The terms in which this worker leads, by the worker name that resources name. Thread-safe. */
@Singleton
public class CurrentTerm {

    private final Map<String, OperatorTerm> terms = new ConcurrentHashMap<>();

    public void set(String worker, OperatorTerm now) {
        terms.put(worker, now);
    }

    /** Leads no more; returns its term, or null. */
    public @Nullable OperatorTerm end(String worker) {
        return terms.remove(worker);
    }

    /** Whether this process leads as any worker. */
    public boolean isAny() {
        return !terms.isEmpty();
    }

    /** The term; null while this worker does not lead. */
    public @Nullable OperatorTerm orNull(String worker) {
        return terms.get(worker);
    }
}
