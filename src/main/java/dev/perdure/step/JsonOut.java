package dev.perdure.step;

import dev.perdure.flow.result.Json;
import dev.perdure.session.StepFailedException;

/** A result document while it is written. Its memory is asked for before it grows. */
final class JsonOut {

    private final StringBuilder out = new StringBuilder(256);
    private final ResultMemory memory;
    /** The characters by which the document grows once its numbers are written out. */
    private long folded;

    JsonOut(ResultMemory memory) {
        this.memory = memory;
    }

    ResultMemory memory() {
        return memory;
    }

    /** Before so much is written. */
    void expect(long characters) throws StepFailedException {
        memory.grow(out.length() + folded + characters);
    }

    void append(String text) throws StepFailedException {
        expect(text.length());
        out.append(text);
    }

    /**
     * A number that the tables, and readers of the tables, write out.
     *
     * @param digits how long it is then
     */
    void number(String text, long digits) throws StepFailedException {
        folded += Math.max(0, digits - text.length());
        append(text);
    }

    /** A text in quotes. */
    void quote(String text) throws StepFailedException {
        long length = text.length() + 2L;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            length += c < ' ' ? 5 : c == '"' || c == '\\' ? 1 : 0;
        }
        expect(length);
        Json.quote(text, out);
    }

    String document() throws StepFailedException {
        memory.finish(out);
        return out.toString();
    }
}
