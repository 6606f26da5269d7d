package dev.perdure.kubernetes.submit;

import dev.perdure.store.Submission;

/** Acceptance of a resource for submission. */
public sealed interface Acceptance {

    /** It is. */
    record Accepted(Submission submission) implements Acceptance {}

    /**
     * It is not, and never will be: the definition cannot change.
     *
     * @param reason in one CamelCase word
     */
    record Refused(String reason, String message) implements Acceptance {}
}
