package dev.perdure.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A network that is slow to answer and not short of bandwidth: what is sent arrives half the time of a round trip later, in its order.
 *
 * @param millis the time of a round trip
 */
record Latency(int millis) {

    private record Sent(long at, byte[] bytes) {}

    /** A port on 127.0.0.1 that leads to another one. */
    int to(int port) {
        try {
            ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
            daemon(() -> {
                while (true) {
                    Socket near = listener.accept();
                    Socket far = new Socket(InetAddress.getLoopbackAddress(), port);
                    near.setTcpNoDelay(true);
                    far.setTcpNoDelay(true);
                    pass(near, far);
                    pass(far, near);
                }
            });
            return listener.getLocalPort();
        } catch (IOException e) {
            throw new IllegalStateException("no port for the latency", e);
        }
    }

    private void pass(Socket from, Socket to) {
        BlockingQueue<Sent> onTheWay = new LinkedBlockingQueue<>();
        daemon(() -> {
            byte[] buffer = new byte[64 * 1024];
            int length;
            while ((length = from.getInputStream().read(buffer)) >= 0) {
                onTheWay.add(new Sent(System.nanoTime(), Arrays.copyOf(buffer, length)));
            }
            onTheWay.add(new Sent(System.nanoTime(), new byte[0]));
        });
        daemon(() -> {
            while (true) {
                Sent next = onTheWay.take();
                TimeUnit.NANOSECONDS.sleep(
                        next.at() + TimeUnit.MILLISECONDS.toNanos(millis) / 2 - System.nanoTime());
                if (next.bytes().length == 0) {
                    to.shutdownOutput();
                    return;
                }
                to.getOutputStream().write(next.bytes());
            }
        });
    }

    private interface Work {
        void run() throws IOException, InterruptedException;
    }

    private static void daemon(Work work) {
        Thread thread = new Thread(
                () -> {
                    try {
                        work.run();
                    } catch (IOException | InterruptedException e) {
                        // One side has gone: so has the connection.
                        Thread.currentThread().interrupt();
                    }
                },
                "latency");
        thread.setDaemon(true);
        thread.start();
    }
}
