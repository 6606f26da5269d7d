package dev.perdure.step;

import dev.perdure.database.Failure;
import dev.perdure.session.StepFailedException;
import dev.perdure.session.wire.Grant;

/**
 * Memory of one result while it is read: its size as a document, which has a limit, and the memory for that, which is asked
 * for before it is used.
 */
final class ResultMemory {

    /** Memory is asked for in pieces: a question for each value would cost more than the value. */
    private static final long PIECE = 16 * 1024;

    private final Grant grant;
    private final long maxSize;
    private long granted;
    private boolean wide;

    /**
     * @param maxSize bytes of the document
     */
    ResultMemory(Grant grant, long maxSize) {
        this.grant = grant;
        this.maxSize = maxSize;
    }

    /** Some character needs more than a byte: so does each one then, as Java keeps strings. */
    void wide() {
        wide = true;
    }

    /** Before the document grows to this many characters. */
    void grow(long characters) throws StepFailedException {
        if (characters > maxSize) {
            throw tooLarge();
        }
        long needed = wide ? 2 * characters : characters;
        if (needed > granted) {
            long more = Math.max(PIECE, needed - granted);
            take(more);
            granted += more;
        }
    }

    /** Takes memory for a moment; {@link #giveBack} follows. */
    void take(long bytes) throws StepFailedException {
        if (!grant.take(bytes)) {
            throw new StepFailedException(new Failure(
                    Failure.Kind.NO_MEMORY,
                    null,
                    "the result needs more memory than the role can have at this moment"));
        }
    }

    void giveBack(long bytes) {
        grant.giveBack(bytes);
    }

    /** The document is complete. */
    void finish(CharSequence document) throws StepFailedException {
        long size = 0;
        for (int i = 0; i < document.length(); i++) {
            char c = document.charAt(i);
            // Each half of a surrogate pair stands for two of its four bytes.
            size += c < 0x80 ? 1 : c < 0x800 || Character.isSurrogate(c) ? 2 : 3;
        }
        if (size > maxSize) {
            throw tooLarge();
        }
    }

    private StepFailedException tooLarge() {
        return new StepFailedException(new Failure(
                Failure.Kind.STEP,
                "54000",
                "the result is larger than perdure.step.max-result-size (" + maxSize
                        + " bytes); return fewer rows, or keep them in a table"));
    }
}
