package dev.perdure.flow.template;

import java.util.List;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * A statement after substitution.
 *
 * @param parameters of {@code $1} and so on; they are bound by the protocol and never become part of the text
 * @param isReadOnly whether it runs in a transaction of its own that may only read
 */
public record Statement(String sql, List<Parameter> parameters, boolean isReadOnly) {

    public Statement(String sql, List<Parameter> parameters) {
        this(sql, parameters, false);
    }

    /** The same in a transaction that may only read. */
    public Statement readOnly() {
        return new Statement(sql, parameters, true);
    }

    /** A statement without parameters. */
    public static Statement of(String sql) {
        return new Statement(sql, List.of());
    }

    /** The values for {@code df.nodes.params}, a JSON array; null without parameters. */
    public @Nullable String params() {
        if (parameters.isEmpty()) {
            return null;
        }
        StringJoiner array = new StringJoiner(",", "[", "]");
        parameters.forEach(parameter -> array.add(parameter.json()));
        return array.toString();
    }

    /** Characters that it has, those of its parameters included. */
    public long length() {
        long length = sql.length();
        for (Parameter parameter : parameters) {
            length += parameter.text() == null ? 4 : parameter.text().length();
        }
        return length;
    }
}
