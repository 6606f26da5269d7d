package dev.perdure.flow.template;

/** A reference that cannot be substituted. The message is the node's error as the user sees it. */
public final class SubstitutionException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public SubstitutionException(String message) {
        super(message, null, false, false);
    }
}
