package dev.perdure.session.wire;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The messages of a server to a session, one by one
 * (<a href="https://www.postgresql.org/docs/current/protocol-message-formats.html">formats</a>), with everything taken out that a
 * user could make larger than memory: notices and notifications, the ends of long error texts, values of settings, and rows,
 * which go to a {@link Capture} while there is one.
 */
final class MessageFilter extends InputStream {

    /** The bytes of an error's texts in all: its message, DETAIL and HINT. A little less than {@code Failure} lets pass. */
    private static final int MAX_ERROR_TEXTS = 256 * 1024 - 1024;
    /** Of any other field of an error: nobody reads more. */
    private static final int MAX_ERROR_FIELD = 16 * 1024;

    private static final int MAX_SETTING = 8 * 1024;
    /** Rows that were refused are read and thrown away up to here; then the connection is given up. */
    private static final long MAX_THROWN_AWAY = 64L * 1024 * 1024;

    /** Set by one thread for as long as it waits for answers, and read by it only. */
    private @Nullable Capture capture;

    private final InputStream in;
    private final byte[] skipped = new byte[16 * 1024];
    private byte[] ready = {};
    private int readyAt;
    /** Bytes of the current message that are handed on as they come. */
    private int passing;

    private long thrownAway;

    private final Runnable onNotification;

    /** @param onNotification called for each notification that was taken out, by the thread that reads */
    MessageFilter(InputStream in, Runnable onNotification) {
        this.onNotification = onNotification;
        this.in = new BufferedInputStream(in, 16 * 1024);
    }

    /** From now on rows go to the capture; null: to the driver. */
    void capture(@Nullable Capture next) {
        capture = next;
        thrownAway = 0;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        while (readyAt == ready.length && passing == 0) {
            if (!nextMessage()) {
                return -1;
            }
        }
        if (readyAt < ready.length) {
            int count = Math.min(length, ready.length - readyAt);
            System.arraycopy(ready, readyAt, bytes, offset, count);
            readyAt += count;
            return count;
        }
        int count = in.read(bytes, offset, Math.min(length, passing));
        passing -= Math.max(0, count);
        return count;
    }

    @Override
    public int available() throws IOException {
        return ready.length - readyAt + Math.min(passing, in.available());
    }

    @Override
    public void close() throws IOException {
        in.close();
    }

    /** Reads messages up to one of which something is handed on. */
    private boolean nextMessage() throws IOException {
        int type = in.read();
        if (type < 0) {
            return false;
        }
        int length = readInt() - 4;
        Capture rows = capture;
        switch (type) {
            case 'N' -> skip(length);
            case 'A' -> {
                skip(length);
                onNotification.run();
            }
            case 'D' -> {
                if (rows == null) {
                    hand(type, length);
                } else if (!rows.current().read(in, length)) {
                    throwAway(length);
                }
            }
            case 'S' -> {
                if (length <= MAX_SETTING) {
                    hand(type, length);
                } else {
                    skip(length);
                }
            }
            case 'E' -> shorten(length);
            default -> {
                // CommandComplete, EmptyQueryResponse, PortalSuspended.
                if (rows != null && (type == 'C' || type == 'I' || type == 's')) {
                    rows.statementEnded();
                }
                hand(type, length);
            }
        }
        return true;
    }

    private void hand(int type, int length) {
        ready = ByteBuffer.allocate(5).put((byte) type).putInt(length + 4).array();
        readyAt = 0;
        passing = length;
    }

    /** Hands an error on with its fields cut, which each says then. */
    private void shorten(int length) throws IOException {
        ByteArrayOutputStream error = new ByteArrayOutputStream(512);
        error.writeBytes(new byte[5]);
        int left = MAX_ERROR_TEXTS;
        int field = 0;
        int room = 0;
        int more = 0;
        for (int i = 0; i < length; i++) {
            int c = in.read();
            if (c < 0) {
                throw new EOFException("the server closed the connection within an error");
            }
            boolean beginsCharacter = (c & 0xc0) != 0x80;
            if (field == 0) {
                field = c;
                room = isText(field) ? left : MAX_ERROR_FIELD;
                more = 0;
                error.write(c);
            } else if (c == 0) {
                if (more > 0) {
                    error.writeBytes(("… (" + more + " more characters)").getBytes(StandardCharsets.UTF_8));
                }
                error.write(0);
                left = isText(field) ? Math.max(0, room) : left;
                field = 0;
            } else if (more == 0 && (room > 0 || !beginsCharacter)) {
                error.write(c);
                room--;
            } else if (beginsCharacter) {
                more++;
            }
        }
        ready = error.toByteArray();
        ByteBuffer.wrap(ready).put((byte) 'E').putInt(ready.length - 1);
        readyAt = 0;
    }

    /** Message, DETAIL and HINT. */
    private static boolean isText(int field) {
        return field == 'M' || field == 'D' || field == 'H';
    }

    private void throwAway(int length) throws IOException {
        thrownAway += length;
        if (thrownAway > MAX_THROWN_AWAY) {
            throw new IOException("the statement returns more rows than may be kept, and does not end");
        }
        skip(length);
    }

    private void skip(int length) throws IOException {
        int left = length;
        while (left > 0) {
            int count = in.read(skipped, 0, Math.min(left, skipped.length));
            if (count < 0) {
                throw new EOFException("the server closed the connection within a message");
            }
            left -= count;
        }
    }

    private int readInt() throws IOException {
        int a = in.read();
        int b = in.read();
        int c = in.read();
        int d = in.read();
        if ((a | b | c | d) < 0) {
            throw new EOFException("the server closed the connection within a message");
        }
        return a << 24 | b << 16 | c << 8 | d;
    }
}
