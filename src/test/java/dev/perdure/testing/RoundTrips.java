package dev.perdure.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A port on 127.0.0.1 that leads to another one and counts round trips: how often a client, having heard from the server,
 * speaks again. For clients that take turns.
 */
public final class RoundTrips implements AutoCloseable {

    private enum Speaker {
        CLIENT,
        SERVER
    }

    private final int target;
    private final ServerSocket listener;
    private final AtomicInteger count = new AtomicInteger();

    public RoundTrips(int target) {
        this.target = target;
        try {
            listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        daemon(this::accept);
    }

    public int port() {
        return listener.getLocalPort();
    }

    /** Round trips so far, of all connections. */
    public int count() {
        return count.get();
    }

    private void accept() throws IOException {
        while (true) {
            Socket client = listener.accept();
            Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
            AtomicReference<Speaker> last = new AtomicReference<>(Speaker.SERVER);
            daemon(() -> pass(client, server, last, Speaker.CLIENT));
            daemon(() -> pass(server, client, last, Speaker.SERVER));
        }
    }

    private void pass(Socket from, Socket to, AtomicReference<Speaker> last, Speaker speaker) throws IOException {
        byte[] buffer = new byte[64 * 1024];
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                if (last.getAndSet(speaker) == Speaker.SERVER && speaker == Speaker.CLIENT) {
                    count.incrementAndGet();
                }
                out.write(buffer, 0, n);
            }
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }

    private interface Work {
        void run() throws IOException;
    }

    /** A connection that breaks ends its thread. */
    private static void daemon(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException e) {
                Thread.currentThread().interrupt();
            }
        });
        thread.setDaemon(true);
        thread.start();
    }
}
