package dev.perdure.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** A port on 127.0.0.1 that leads to another one, and can be frozen: it accepts what comes and keeps it until it is thawed. Single connections can be made silent. */
public final class FrozenGate implements AutoCloseable {

    private final int target;
    private final ServerSocket listener;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final AtomicInteger accepted = new AtomicInteger();
    private final Set<Integer> silent = ConcurrentHashMap.newKeySet();
    private boolean frozen;
    private boolean closed;

    public FrozenGate(int target) {
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

    /** Connections that were accepted so far. */
    public int accepted() {
        return accepted.get();
    }

    public synchronized void freeze() {
        frozen = true;
    }

    /** What was kept goes on its way. */
    public synchronized void thaw() {
        frozen = false;
        notifyAll();
    }

    /**
     * Loses what a connection carries from now on, and its end, without a word to either side.
     *
     * @param port of the connection, as the target sees it
     */
    public void silence(int port) {
        silent.add(port);
    }

    private synchronized void awaitClose() throws InterruptedException {
        while (!closed) {
            wait();
        }
    }

    private synchronized void awaitThaw() throws InterruptedException {
        while (frozen) {
            wait();
        }
    }

    private void accept() throws IOException {
        while (true) {
            Socket from = listener.accept();
            accepted.incrementAndGet();
            sockets.add(from);
            daemon(() -> {
                Socket to = new Socket(InetAddress.getLoopbackAddress(), target);
                sockets.add(to);
                daemon(() -> pass(to, from, to.getLocalPort()));
                pass(from, to, to.getLocalPort());
            });
        }
    }

    private void pass(Socket from, Socket to, int port) throws IOException, InterruptedException {
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            byte[] buffer = new byte[8192];
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                awaitThaw();
                if (!silent.contains(port)) {
                    out.write(buffer, 0, read);
                }
            }
            awaitThaw();
            if (silent.contains(port)) {
                awaitClose();
            }
        }
    }

    private interface Work {
        void run() throws IOException, InterruptedException;
    }

    /** What breaks a connection ends its thread. */
    private static void daemon(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException | InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() {
        thaw();
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        try {
            listener.close();
            for (Socket socket : sockets) {
                socket.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
