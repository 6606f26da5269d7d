package dev.perdure.step;

import dev.perdure.session.StepFailedException;

/**
 * An array in PostgreSQL's text form ({@code {1,NULL,"a b",{…}}}, manual 8.15.6) as a JSON array. Lower bounds other than
 * 1 ({@code [0:1]={…}}) are left out: JSON has none.
 */
final class ArrayValue implements JsonValue {

    private final JsonValue element;
    private final char delimiter;

    ArrayValue(JsonValue element, char delimiter) {
        this.element = element;
        this.delimiter = delimiter;
    }

    @Override
    public void append(String text, JsonOut out) throws StepFailedException {
        int i = text.startsWith("[") ? text.indexOf('=') + 1 : 0;
        boolean first = true;
        while (i < text.length()) {
            char c = text.charAt(i);
            if (c == '{') {
                if (!first) {
                    out.append(",");
                }
                out.append("[");
                first = true;
                i++;
            } else if (c == '}') {
                out.append("]");
                first = false;
                i++;
            } else if (c == delimiter) {
                i++;
            } else {
                if (!first) {
                    out.append(",");
                }
                first = false;
                i = c == '"' ? quoted(text, i + 1, out) : bare(text, i, out);
            }
        }
    }

    private int quoted(String text, int start, JsonOut out) throws StepFailedException {
        StringBuilder value = new StringBuilder();
        int i = start;
        while (text.charAt(i) != '"') {
            if (text.charAt(i) == '\\') {
                i++;
            }
            value.append(text.charAt(i));
            i++;
        }
        element.append(value.toString(), out);
        return i + 1;
    }

    private int bare(String text, int start, JsonOut out) throws StepFailedException {
        int end = start;
        while (text.charAt(end) != delimiter && text.charAt(end) != '}') {
            end++;
        }
        String value = text.substring(start, end);
        if (value.equals("NULL")) {
            out.append("null");
        } else {
            element.append(value, out);
        }
        return end;
    }
}
