package dev.perdure.flow;

/** A reference that cannot be substituted. The message is the node's error as the user sees it. */
final class SubstitutionException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    SubstitutionException(String message) {
        super(message, null, false, false);
    }
}
