package dev.perdure.flow.template;

import org.jspecify.annotations.Nullable;

/**
 * A value that is bound to a statement.
 *
 * @param text as it is sent, in PostgreSQL's text form, for the type that the server gives the parameter; null for NULL
 * @param json as {@code df.nodes.params} shows it
 */
public record Parameter(@Nullable String text, String json) {

    /** Without the value: it is in the tables, and has no place in a log. */
    @Override
    public String toString() {
        return "a parameter of " + json.length() + " characters";
    }
}
