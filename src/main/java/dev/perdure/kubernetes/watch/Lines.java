package dev.perdure.kubernetes.watch;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Consumer;

/** The lines of a body that arrives in pieces. */
final class Lines {

    private final ByteArrayOutputStream rest = new ByteArrayOutputStream();
    private final Consumer<byte[]> consumer;

    Lines(Consumer<byte[]> consumer) {
        this.consumer = consumer;
    }

    void add(List<ByteBuffer> pieces) {
        for (ByteBuffer piece : pieces) {
            while (piece.hasRemaining()) {
                byte next = piece.get();
                if (next == '\n') {
                    consumer.accept(rest.toByteArray());
                    rest.reset();
                } else {
                    rest.write(next);
                }
            }
        }
    }

    /** The bytes after the last line. */
    byte[] rest() {
        return rest.toByteArray();
    }
}
