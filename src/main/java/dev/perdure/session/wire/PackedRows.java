package dev.perdure.session.wire;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Rows of one statement, packed as the server sent them: a row costs its bytes and no objects. Memory is asked for before a
 * row is read; once that is refused, this and all later rows are thrown away as they come.
 */
public final class PackedRows {

    /** Why rows are missing. */
    public enum Refusal {
        /** They are larger than one result may be. */
        TOO_LARGE,
        /** There is no memory for them at this moment. */
        NO_MEMORY
    }

    private static final int FIRST_CHUNK = 256;
    private static final int LARGEST_CHUNK = 256 * 1024;

    private final Grant grant;
    private final long maxBytes;
    private final List<byte @Nullable []> chunks = new ArrayList<>(1);
    /** The filled length of each chunk but the last. */
    private final List<Integer> ends = new ArrayList<>(0);

    private int used;
    private long bytes;
    private long count;
    private @Nullable Refusal refusal;

    private int chunk = -1;
    private byte[] current = {};
    private int position;
    private int end;
    private int[] offsets = {};
    private int[] lengths = {};

    PackedRows(Grant grant, long maxBytes) {
        this.grant = grant;
        this.maxBytes = maxBytes;
    }

    /**
     * Reads the body of a DataRow message.
     *
     * @return false when it may not be kept: nothing was read
     */
    boolean read(InputStream in, int length) throws IOException {
        if (refusal != null) {
            return false;
        }
        // A row is never shorter in JSON than in the protocol: braces, quotes and a colon are what counts and lengths
        // are.
        if (bytes + length > maxBytes) {
            refusal = Refusal.TOO_LARGE;
            return false;
        }
        byte[] last = chunks.isEmpty() ? null : chunks.get(chunks.size() - 1);
        if (last == null || last.length - used < length) {
            int wanted = last == null ? FIRST_CHUNK : Math.min(LARGEST_CHUNK, last.length * 4);
            int size = Math.max(wanted, length);
            if (!grant.take(size)) {
                refusal = Refusal.NO_MEMORY;
                return false;
            }
            last = new byte[size];
            if (!chunks.isEmpty()) {
                ends.add(used);
            }
            chunks.add(last);
            used = 0;
        }
        if (in.readNBytes(last, used, length) != length) {
            throw new EOFException("the server closed the connection within a row");
        }
        used += length;
        bytes += length;
        count++;
        return true;
    }

    /** Why rows are missing; null when all are there. */
    public @Nullable Refusal refusal() {
        return refusal;
    }

    /** The number of rows. */
    public long count() {
        return count;
    }

    /** Goes to the next row, the first one at first. What lies behind is given back. */
    public boolean next() {
        while (position >= end) {
            if (chunk >= 0) {
                chunks.set(chunk, null);
                grant.giveBack(current.length);
            }
            chunk++;
            byte[] following = chunk < chunks.size() ? chunks.get(chunk) : null;
            if (following == null) {
                current = new byte[0];
                return false;
            }
            current = following;
            position = 0;
            end = chunk < ends.size() ? ends.get(chunk) : used;
        }
        ByteBuffer row = ByteBuffer.wrap(current, position, end - position);
        int columns = Short.toUnsignedInt(row.getShort());
        if (offsets.length < columns) {
            offsets = new int[columns];
            lengths = new int[columns];
        }
        for (int i = 0; i < columns; i++) {
            lengths[i] = row.getInt();
            offsets[i] = row.position();
            row.position(row.position() + Math.max(0, lengths[i]));
        }
        position = row.position();
        return true;
    }

    /** The number of bytes of a value of the row; -1 for NULL. */
    public int length(int column) {
        return lengths[column];
    }

    /**
     * A value of the row as text; null for NULL.
     *
     * @param column from 0
     * @throws CharacterCodingException when it is no UTF-8: the session's encoding was changed
     */
    public @Nullable String text(int column) throws CharacterCodingException {
        if (lengths[column] < 0) {
            return null;
        }
        String text = new String(current, offsets[column], lengths[column], StandardCharsets.UTF_8);
        if (text.indexOf('\ufffd') >= 0) {
            // Put in for what is no UTF-8, or the text's own.
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(current, offsets[column], lengths[column]));
        }
        return text;
    }
}
