package dev.perdure.kubernetes.manifest;

/** A manifest that means no workflow. The message begins with the place, such as {@code spec.steps[2].if.then[0]}. */
public final class InvalidDefinitionException extends Exception {

    private static final long serialVersionUID = 1L;

    public InvalidDefinitionException(String message) {
        super(message);
    }

    /** Never null: the only constructor takes one. */
    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
