package dev.perdure.step;

import dev.perdure.flow.Json;
import dev.perdure.session.StepFailedException;

/** A result document while it is written. Its memory is asked for before it grows. */
final class JsonOut {

    private final StringBuilder out = new StringBuilder(256);
    private final ResultMemory memory;

    JsonOut(ResultMemory memory) {
        this.memory = memory;
    }

    ResultMemory memory() {
        return memory;
    }

    /** Before something is written that is longer than its text here. */
    void expect(long characters) throws StepFailedException {
        memory.grow(out.length() + characters);
    }

    void append(String text) throws StepFailedException {
        memory.grow(out.length() + (long) text.length());
        out.append(text);
    }

    /** A text in quotes. */
    void quote(String text) throws StepFailedException {
        long length = text.length() + 2L;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            length += c < ' ' ? 5 : c == '"' || c == '\\' ? 1 : 0;
        }
        memory.grow(out.length() + length);
        Json.quote(text, out);
    }

    String document() throws StepFailedException {
        memory.finish(out);
        return out.toString();
    }
}
