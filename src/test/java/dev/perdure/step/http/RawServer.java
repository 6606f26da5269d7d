package dev.perdure.step.http;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;

/** A server that does with each connection what the test says, and then closes it. */
final class RawServer implements AutoCloseable {

    /** What happens on a connection. */
    @FunctionalInterface
    interface Script {
        void run(Socket socket) throws IOException;
    }

    private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
    private final AtomicInteger connected = new AtomicInteger();
    private final AtomicInteger closed = new AtomicInteger();

    RawServer(Script script) throws IOException {
        Thread acceptor = new Thread(() -> accept(script), "raw-server");
        acceptor.setDaemon(true);
        acceptor.start();
    }

    String url() {
        return "http://localhost:" + listener.getLocalPort() + "/";
    }

    private void accept(Script script) {
        while (!listener.isClosed()) {
            try {
                Socket socket = listener.accept();
                connected.incrementAndGet();
                Thread thread = new Thread(() -> serve(socket, script), "raw-connection");
                thread.setDaemon(true);
                thread.start();
            } catch (IOException e) {
                return; // the listener was closed
            }
        }
    }

    private void serve(Socket socket, Script script) {
        try (socket) {
            script.run(socket);
        } catch (IOException e) {
            // The client closed it: what awaitClosed waits for.
        } finally {
            closed.incrementAndGet();
        }
    }

    /** Reads until the client closes the connection. */
    static void awaitEnd(Socket socket) throws IOException {
        while (socket.getInputStream().read() >= 0) {}
    }

    /** Reads a request without a body. */
    static void readHead(Socket socket) throws IOException {
        InputStream in = socket.getInputStream();
        int last = 0;
        for (int c = in.read(); c >= 0; c = in.read()) {
            last = last << 8 | c;
            if (last == ('\r' << 24 | '\n' << 16 | '\r' << 8 | '\n')) {
                return;
            }
        }
    }

    void awaitConnected() {
        Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> connected.get() > 0);
    }

    void awaitClosed() {
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .until(() -> connected.get() > 0 && closed.get() == connected.get());
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
