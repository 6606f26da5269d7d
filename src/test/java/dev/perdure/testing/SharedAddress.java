package dev.perdure.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One port on 127.0.0.1 behind which there are one or more servers, as a name in DNS or a virtual address is while a cluster
 * exchanges its primary: connections go to them in turn.
 */
public final class SharedAddress implements AutoCloseable {

    private final ServerSocket listener;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final AtomicInteger turn = new AtomicInteger();
    private volatile List<Integer> targets;

    /** An address of the server at a port of 127.0.0.1. */
    public SharedAddress(int target) {
        targets = List.of(target);
        try {
            listener = new ServerSocket(0, 200, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        daemon(() -> {
            while (true) {
                Socket from = listener.accept();
                daemon(() -> connect(from));
            }
        });
    }

    /** The port of the address. */
    public int port() {
        return listener.getLocalPort();
    }

    /** From now on new connections go to these ports in turn; those that there are stay. */
    public void leadTo(Integer... ports) {
        targets = List.of(ports);
    }

    private void connect(Socket from) throws IOException {
        List<Integer> now = targets;
        int target = now.get(Math.floorMod(turn.getAndIncrement(), now.size()));
        try {
            Socket to = new Socket(InetAddress.getLoopbackAddress(), target);
            sockets.add(from);
            sockets.add(to);
            daemon(() -> pass(from, to));
            pass(to, from);
        } finally {
            from.close();
        }
    }

    private void pass(Socket from, Socket to) throws IOException {
        try (from;
                to) {
            from.getInputStream().transferTo(to.getOutputStream());
        } finally {
            sockets.remove(from);
            sockets.remove(to);
        }
    }

    @Override
    public void close() {
        try {
            listener.close();
            for (Socket socket : sockets) {
                socket.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    /** What breaks a connection ends its thread: that is what happens to connections. */
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
