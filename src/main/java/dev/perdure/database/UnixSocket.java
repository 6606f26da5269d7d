package dev.perdure.database;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A unix socket of Java's own behind the old socket interface, which pgjdbc knows. It does what pgjdbc asks for: connect,
 * read with or without a timeout, write, close from another thread. Options of TCP are accepted and mean nothing.
 */
final class UnixSocket extends Socket {

    private static final int BUFFER_SIZE = 64 * 1024;

    private final Path path;
    private final SocketChannel channel;
    private volatile int timeoutMillis;

    UnixSocket(Path path) throws IOException {
        this.path = path;
        this.channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    }

    /** Connects to the path; the address, of which pgjdbc knows a name and a port only, is not looked at. */
    @Override
    public void connect(SocketAddress ignored, int connectTimeoutMillis) throws IOException {
        try {
            channel.connect(UnixDomainSocketAddress.of(path));
        } catch (IOException e) {
            channel.close();
            String why = Files.exists(path) ? String.valueOf(e.getMessage()) : "there is no such file";
            throw new IOException("No PostgreSQL answers at the unix socket " + path + ": " + why, e);
        }
    }

    @Override
    public void connect(SocketAddress ignored) throws IOException {
        connect(ignored, 0);
    }

    @Override
    public InputStream getInputStream() {
        return new Input();
    }

    @Override
    public OutputStream getOutputStream() {
        return new Output();
    }

    @Override
    public void setSoTimeout(int millis) {
        timeoutMillis = millis;
    }

    @Override
    public int getSoTimeout() {
        return timeoutMillis;
    }

    @Override
    public boolean isConnected() {
        return channel.isConnected();
    }

    @Override
    public boolean isClosed() {
        return !channel.isOpen();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    @Override
    public void shutdownOutput() throws IOException {
        channel.shutdownOutput();
    }

    @Override
    public void setTcpNoDelay(boolean on) {}

    @Override
    public boolean getTcpNoDelay() {
        return true;
    }

    @Override
    public void setKeepAlive(boolean on) {}

    @Override
    public boolean getKeepAlive() {
        return false;
    }

    @Override
    public void setSendBufferSize(int size) {}

    @Override
    public int getSendBufferSize() {
        return BUFFER_SIZE;
    }

    @Override
    public void setReceiveBufferSize(int size) {}

    @Override
    public int getReceiveBufferSize() {
        return BUFFER_SIZE;
    }

    @Override
    public String toString() {
        return "unix socket " + path;
    }

    private final class Input extends InputStream {

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            ByteBuffer buffer = ByteBuffer.wrap(bytes, offset, length);
            return timeoutMillis == 0 ? channel.read(buffer) : readInTime(buffer);
        }

        private int readInTime(ByteBuffer buffer) throws IOException {
            channel.configureBlocking(false);
            try (Selector selector = Selector.open()) {
                channel.register(selector, SelectionKey.OP_READ);
                int count = channel.read(buffer);
                if (count == 0 && buffer.hasRemaining()) {
                    if (selector.select(timeoutMillis) == 0) {
                        throw new SocketTimeoutException("no answer within " + timeoutMillis + " ms from " + path);
                    }
                    count = channel.read(buffer);
                }
                return count;
            } finally {
                if (channel.isOpen()) {
                    channel.configureBlocking(true);
                }
            }
        }
    }

    private final class Output extends OutputStream {

        @Override
        public void write(int value) throws IOException {
            write(new byte[] {(byte) value}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            ByteBuffer buffer = ByteBuffer.wrap(bytes, offset, length);
            while (buffer.hasRemaining()) {
                if (channel.write(buffer) < 0) {
                    throw new EOFException("closed: " + path);
                }
            }
        }
    }
}
