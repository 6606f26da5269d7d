package dev.perdure.store;

/** An expression does not evaluate to a workflow. */
public final class InvalidExpressionException extends Exception {

    private static final long serialVersionUID = 1L;

    InvalidExpressionException(String message) {
        super(message);
    }
}
