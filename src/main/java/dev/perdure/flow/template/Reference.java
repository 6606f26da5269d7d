package dev.perdure.flow.template;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A reference to a result as it stands in a template (specification 4.5, second pass).
 *
 * @param text the reference itself, for messages
 * @param elements numbers in brackets directly behind the name, from 1: rows of a result, or branches of a join
 * @param column null for the first column
 * @param end where it ends in the template
 */
record Reference(
        String text,
        String name,
        List<Integer> elements,
        Kind kind,
        @Nullable String column,
        boolean optional,
        int end) {

    enum Kind {
        /** {@code $name.*}: the whole row set. */
        ROWS,
        /** {@code $name[]}, {@code $name.col[]}: all rows' values of a column. */
        ARRAY,
        /** {@code ANY($name)} where the column of the first row is an array itself. */
        ARRAY_VALUE,
        /** {@code $name}, {@code $name.col}, both also with {@code ?}. */
        VALUE
    }

    /** The end of the identifier that begins at {@code start}; {@code start} when there is none. */
    static int identifierEnd(String text, int start) {
        int at = start;
        while (at < text.length() && isIdentifier(text.charAt(at), at == start)) {
            at++;
        }
        return at;
    }

    /** The reference whose name lies between the dollar sign at {@code dollar} and {@code nameEnd}. */
    static Reference read(String template, int dollar, int nameEnd) {
        String name = template.substring(dollar + 1, nameEnd);
        List<Integer> elements = new ArrayList<>();
        int end = nameEnd;
        for (int close = elementEnd(template, end); close > end; close = elementEnd(template, end)) {
            elements.add(Integer.valueOf(template.substring(end + 1, close - 1)));
            end = close;
        }
        if (template.startsWith(".*", end)) {
            return of(template, dollar, name, elements, Kind.ROWS, null, false, end + 2);
        }
        String column = null;
        if (template.startsWith(".", end)) {
            int columnEnd = identifierEnd(template, end + 1);
            if (columnEnd > end + 1) {
                column = template.substring(end + 1, columnEnd);
                end = columnEnd;
            }
        }
        if (template.startsWith("[]", end)) {
            return of(template, dollar, name, elements, Kind.ARRAY, column, false, end + 2);
        }
        boolean optional = template.startsWith("?", end);
        return of(template, dollar, name, elements, Kind.VALUE, column, optional, optional ? end + 1 : end);
    }

    /** Behind the number in brackets that begins there; the same place when there is none. */
    private static int elementEnd(String text, int start) {
        int at = start + 1;
        while (text.startsWith("[", start) && at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
            at++;
        }
        int digits = at - start - 1;
        boolean isNumber = digits > 0 && digits < 10 && text.charAt(start + 1) != '0';
        return isNumber && text.startsWith("]", at) ? at + 1 : start;
    }

    /**
     * The reference that a text is, and nothing else; null when it is none. Here {@code $name[]?} is one, too.
     */
    static @Nullable Reference whole(String text) {
        int nameEnd = text.startsWith("$") ? identifierEnd(text, 1) : 0;
        if (nameEnd < 2) {
            return null;
        }
        Reference reference = read(text, 0, nameEnd);
        if (reference.kind() == Kind.ROWS) {
            return null;
        }
        if (reference.end() == text.length()) {
            return reference;
        }
        boolean isOptionalArray =
                reference.kind() == Kind.ARRAY && text.endsWith("?") && reference.end() == text.length() - 1;
        return isOptionalArray
                ? new Reference(
                        text,
                        reference.name(),
                        reference.elements(),
                        Kind.ARRAY,
                        reference.column(),
                        true,
                        text.length())
                : null;
    }

    private static Reference of(
            String template,
            int dollar,
            String name,
            List<Integer> elements,
            Kind kind,
            @Nullable String column,
            boolean optional,
            int end) {
        return new Reference(template.substring(dollar, end), name, List.copyOf(elements), kind, column, optional, end);
    }

    Reference as(Kind other) {
        return new Reference(text, name, elements, other, column, optional, end);
    }

    /** The name of the result, without a column, as messages show it. */
    String shownResult() {
        return "$" + name + elements.stream().map(number -> "[" + number + "]").collect(Collectors.joining());
    }

    /** The reference without {@code ?}, as messages show it. */
    String shown() {
        return column == null ? shownResult() : shownResult() + "." + column;
    }

    private static boolean isIdentifier(char c, boolean first) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || !first && c >= '0' && c <= '9';
    }
}
