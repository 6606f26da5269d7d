package dev.perdure.flow.template;

import java.util.Collection;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * References to secrets, which {@code df.secret('name')} writes as <code>{{secret:name}}</code>. They count where the
 * submitter wrote them, in a template or in a variable, and never in a result: what a service answers must not be able to
 * have a secret sent. So they are marked before results are put in, with a character that no text of PostgreSQL contains.
 */
public final class SecretReference {

    private static final String SEGMENT = "[A-Za-z0-9_][A-Za-z0-9._-]{0,252}";
    private static final String NAME = "(" + SEGMENT + "(?:/" + SEGMENT + ")?)";
    private static final Pattern WRITTEN = Pattern.compile("\\{\\{secret:" + NAME + "}}");
    private static final Pattern MARKED = Pattern.compile("\0secret:" + NAME + "\0");

    private SecretReference() {}

    /** Marks the references of a text that the submitter wrote. */
    static String mark(String text) {
        return WRITTEN.matcher(text).replaceAll("\0secret:$1\0");
    }

    static boolean isIn(String text) {
        return text.indexOf('\0') >= 0 && MARKED.matcher(text).find();
    }

    /** The text with references as they were written, for storing and showing. */
    static String written(String text) {
        return text.indexOf('\0') < 0 ? text : MARKED.matcher(text).replaceAll("{{secret:$1}}");
    }

    /** Collects the names that a text refers to. */
    static void collect(String text, Collection<String> names) {
        Matcher reference = MARKED.matcher(text);
        while (reference.find()) {
            names.add(reference.group(1));
        }
    }

    /**
     * Puts the values in.
     *
     * @param values by name
     */
    static String resolve(String text, UnaryOperator<String> values) {
        if (text.indexOf('\0') < 0) {
            return text;
        }
        return MARKED.matcher(text).replaceAll(reference -> Matcher.quoteReplacement(values.apply(reference.group(1))));
    }
}
