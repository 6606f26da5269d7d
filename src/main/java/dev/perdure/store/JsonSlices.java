package dev.perdure.store;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Cuts JSON that PostgreSQL has printed into its parts, each as its text: a number that is parsed and printed again can change. */
final class JsonSlices {

    private final String text;
    private int at;

    private JsonSlices(String text) {
        this.text = text;
    }

    /** The members of an object, by keys without escapes. */
    static Map<String, String> members(String object) {
        JsonSlices slices = new JsonSlices(object);
        Map<String, String> members = new LinkedHashMap<>();
        slices.skipTo('{');
        while (slices.hasNext('}')) {
            String key = slices.value();
            slices.skipTo(':');
            members.put(key.substring(1, key.length() - 1), slices.value());
        }
        return members;
    }

    /** The elements of an array. */
    static List<String> elements(String array) {
        JsonSlices slices = new JsonSlices(array);
        List<String> elements = new ArrayList<>();
        slices.skipTo('[');
        while (slices.hasNext(']')) {
            elements.add(slices.value());
        }
        return elements;
    }

    private void skipTo(char sign) {
        at = text.indexOf(sign, at) + 1;
    }

    /** Skips the separators between values; whether another value follows. */
    private boolean hasNext(char end) {
        while (text.charAt(at) == ' ' || text.charAt(at) == ',') {
            at++;
        }
        return text.charAt(at) != end;
    }

    private String value() {
        while (text.charAt(at) == ' ') {
            at++;
        }
        int begin = at;
        int depth = 0;
        do {
            char c = text.charAt(at);
            if (c == '"') {
                skipString();
            } else if (c == '{' || c == '[') {
                depth++;
                at++;
            } else if (c == '}' || c == ']') {
                depth--;
                at++;
            } else {
                at++;
            }
        } while (depth > 0 || !isEnd(begin));
        return text.substring(begin, at);
    }

    /** Whether a value ends here: after a bracket or a string, or before the separator behind a number or a word. */
    private boolean isEnd(int begin) {
        char first = text.charAt(begin);
        if (first == '{' || first == '[' || first == '"' || at == text.length()) {
            return true;
        }
        char next = text.charAt(at);
        return next == ',' || next == '}' || next == ']' || next == ' ';
    }

    private void skipString() {
        at++;
        while (text.charAt(at) != '"') {
            at += text.charAt(at) == '\\' ? 2 : 1;
        }
        at++;
    }
}
