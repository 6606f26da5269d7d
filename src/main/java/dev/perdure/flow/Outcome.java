package dev.perdure.flow;

/** How a node ended. */
sealed interface Outcome {

    record Succeeded(Result result) implements Outcome {}

    /** Passed by a BREAK, which goes on up to the nearest enclosing loop. */
    record Broke(Result value) implements Outcome {}

    record Failed(String error) implements Outcome {}
}
