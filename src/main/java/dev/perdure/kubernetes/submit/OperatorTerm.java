package dev.perdure.kubernetes.submit;

import dev.perdure.store.SubmittedInstances;
import dev.perdure.store.SubmitterSessions;

/**
 * The database during one term of leadership.
 *
 * @param sessions to start workflows as submitters
 * @param instances to look at them and cancel them
 */
public record OperatorTerm(SubmitterSessions sessions, SubmittedInstances instances) implements AutoCloseable {

    @Override
    public void close() {
        sessions.close();
        instances.close();
    }
}
