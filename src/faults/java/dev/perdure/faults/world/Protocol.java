package dev.perdure.faults.world;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * Messages of the PostgreSQL protocol, version 3
 * (<a href="https://www.postgresql.org/docs/current/protocol-message-formats.html">formats</a>).
 */
final class Protocol {

    static final int SSL_REQUEST = 80877103;
    static final int GSS_REQUEST = 80877104;
    static final int CANCEL_REQUEST = 80877102;
    private static final int MAX_LENGTH = 1 << 28;

    private Protocol() {}

    /**
     * One message as it is on the wire.
     *
     * @param type 0 for those of the startup, which have none
     * @param bytes all of it, type and length included
     */
    record Message(char type, byte[] bytes) {

        /** The code of a startup message: the version, or the kind of request. */
        int startupCode() {
            return number(4);
        }

        int number(int at) {
            return (bytes[at] & 0xff) << 24
                    | (bytes[at + 1] & 0xff) << 16
                    | (bytes[at + 2] & 0xff) << 8
                    | bytes[at + 3] & 0xff;
        }

        /** Of a row: whether its first column, a number in whichever format, is neither 0 nor NULL. */
        boolean firstColumnIsNotZero() {
            // The type, the length, the number of columns; of the first one its length, -1 for NULL, and its bytes.
            int length = bytes.length < 11 ? 0 : number(7);
            boolean isText = length == 1;
            for (int i = 11; i < 11 + length; i++) {
                if (bytes[i] != 0 && !(isText && bytes[i] == '0')) {
                    return true;
                }
            }
            return false;
        }

        /** The n-th zero-terminated text of the body, from 0. */
        String text(int n) {
            int begin = type == 0 ? 8 : 5;
            for (int skipped = 0; skipped < n; skipped++) {
                while (bytes[begin] != 0) {
                    begin++;
                }
                begin++;
            }
            int end = begin;
            while (end < bytes.length && bytes[end] != 0) {
                end++;
            }
            return new String(bytes, begin, end - begin, StandardCharsets.UTF_8);
        }
    }

    /** Reads a message with a type. */
    static Message read(DataInputStream in) throws IOException {
        int type = in.read();
        if (type < 0) {
            throw new EOFException();
        }
        int length = checked(in.readInt());
        byte[] bytes = new byte[length + 1];
        bytes[0] = (byte) type;
        putLength(bytes, 1, length);
        in.readFully(bytes, 5, length - 4);
        return new Message((char) type, bytes);
    }

    /** Reads a message of the startup, which has no type. */
    static Message readStartup(DataInputStream in) throws IOException {
        int length = checked(in.readInt());
        byte[] bytes = new byte[length];
        putLength(bytes, 0, length);
        in.readFully(bytes, 4, length - 4);
        return new Message((char) 0, bytes);
    }

    private static int checked(int length) throws IOException {
        if (length < 4 || length > MAX_LENGTH) {
            throw new IOException("no message of PostgreSQL: length " + length);
        }
        return length;
    }

    private static void putLength(byte[] bytes, int at, int length) {
        bytes[at] = (byte) (length >>> 24);
        bytes[at + 1] = (byte) (length >>> 16);
        bytes[at + 2] = (byte) (length >>> 8);
        bytes[at + 3] = (byte) length;
    }

    /** Asks the server to send what it has answered so far. */
    static byte[] flush() {
        return new byte[] {'H', 0, 0, 0, 4};
    }

    /** Ends a pipeline. An explicit transaction stays open. */
    static byte[] sync() {
        return new byte[] {'S', 0, 0, 0, 4};
    }

    /** A simple query. */
    static byte[] query(String sql) {
        byte[] text = sql.getBytes(StandardCharsets.UTF_8);
        byte[] bytes = new byte[text.length + 6];
        bytes[0] = 'Q';
        putLength(bytes, 1, text.length + 5);
        System.arraycopy(text, 0, bytes, 5, text.length);
        return bytes;
    }
}
