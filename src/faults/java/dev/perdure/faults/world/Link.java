package dev.perdure.faults.world;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicInteger;

/** One connection through the proxy: two threads, each of which passes messages on in one direction. */
public final class Link {

    private final FaultProxy proxy;
    private final Socket client;
    private final Socket server;
    private final DataInputStream fromClient;
    private final DataInputStream fromServer;
    private final OutputStream toClient;
    private final OutputStream toServer;
    private final StepWatch watch = new StepWatch();
    /** Answers of one byte that are still to come, to requests for encryption. */
    private final AtomicInteger bareAnswers = new AtomicInteger();

    private volatile int backend;
    private volatile boolean silent;
    private volatile String application = "";

    Link(FaultProxy proxy, Socket client, Socket server) throws IOException {
        this.proxy = proxy;
        this.client = client;
        this.server = server;
        client.setTcpNoDelay(true);
        server.setTcpNoDelay(true);
        fromClient = new DataInputStream(new BufferedInputStream(client.getInputStream(), 1 << 16));
        fromServer = new DataInputStream(new BufferedInputStream(server.getInputStream(), 1 << 16));
        toClient = new BufferedOutputStream(client.getOutputStream(), 1 << 16);
        toServer = new BufferedOutputStream(server.getOutputStream(), 1 << 16);
    }

    void start(String name) {
        thread(name + " to server", this::frontend);
        thread(name + " to client", this::backend);
    }

    private void thread(String name, Pump pump) {
        Thread thread = new Thread(
                () -> {
                    try {
                        pump.run();
                    } catch (IOException e) {
                        // One side is gone; the other one learns it by the end of its connection.
                        end();
                    }
                },
                name);
        thread.setDaemon(true);
        thread.start();
    }

    private interface Pump {
        void run() throws IOException;
    }

    private void frontend() throws IOException {
        while (true) {
            Protocol.Message startup = Protocol.readStartup(fromClient);
            int code = startup.startupCode();
            boolean asksForEncryption = code == Protocol.SSL_REQUEST || code == Protocol.GSS_REQUEST;
            if (asksForEncryption) {
                bareAnswers.incrementAndGet();
            } else if (code != Protocol.CANCEL_REQUEST) {
                application = parameter(startup, "application_name");
            }
            proxy.toServer().pass();
            toServer.write(startup.bytes());
            toServer.flush();
            if (!asksForEncryption) {
                break;
            }
        }
        while (true) {
            Protocol.Message message = Protocol.read(fromClient);
            if (silent) {
                continue;
            }
            proxy.toServer().pass();
            Spot spot = watch.fromClient(message);
            if (spot != null) {
                Trap trap = proxy.trap(spot);
                if (trap != null) {
                    settle(spot.point());
                    if (!trap.hold(this)) {
                        end();
                        return;
                    }
                }
            }
            toServer.write(message.bytes());
            if (fromClient.available() == 0) {
                toServer.flush();
            }
        }
    }

    /** The server has executed what came before the point, not just received it. */
    private void settle(Point point) throws IOException {
        if (point == Point.BEFORE_COMMIT) {
            toServer.write(Protocol.flush());
        }
        toServer.flush();
        if (point == Point.BEFORE_COMMIT) {
            watch.awaitCheckpoint(World.PATIENCE);
        }
    }

    private void backend() throws IOException {
        while (true) {
            fromServer.mark(1);
            int next = fromServer.read();
            if (next < 0) {
                end();
                return;
            }
            // Counted before the request was passed on.
            if (bareAnswers.get() > 0) {
                bareAnswers.decrementAndGet();
                proxy.toClient().pass();
                toClient.write(next);
                toClient.flush();
                continue;
            }
            fromServer.reset();
            Protocol.Message message = Protocol.read(fromServer);
            if (silent) {
                continue;
            }
            if (message.type() == 'K') {
                backend = message.number(5);
            }
            proxy.toClient().pass();
            Spot spot = watch.fromServer(message);
            if (spot != null) {
                Trap trap = proxy.trap(spot);
                if (trap != null) {
                    if (spot.point() == Point.AFTER_RESET) {
                        // The client knows of the commit.
                        toClient.flush();
                    }
                    if (!trap.hold(this)) {
                        end();
                        return;
                    }
                }
            }
            try {
                toClient.write(message.bytes());
                if (fromServer.available() == 0) {
                    toClient.flush();
                }
            } catch (IOException e) {
                // The client was cut off while this was on its way; the server's side stays open.
                if (!silent) {
                    throw e;
                }
            }
        }
    }

    private static String parameter(Protocol.Message startup, String name) {
        for (int i = 0; ; i += 2) {
            String found = startup.text(i);
            if (found.isEmpty()) {
                return "";
            }
            if (found.equals(name)) {
                return startup.text(i + 1);
            }
        }
    }

    /** The process id of the session's backend. */
    public int backendPid() {
        return backend;
    }

    /** As the client has said when it connected. */
    public String application() {
        return application;
    }

    /** Sends COMMIT to the server in the name of a client that is gone: its COMMIT was on the way. */
    public void commitLate() throws IOException {
        server.getOutputStream().write(Protocol.sync());
        server.getOutputStream().write(Protocol.query("COMMIT"));
        server.getOutputStream().flush();
    }

    /** Cuts the client off and leaves the server's side open, as a network does that loses one direction. */
    public void dropClient() {
        silent = true;
        close(client);
    }

    /** What comes from now on is lost on the way, and nobody is told. */
    void silence() {
        silent = true;
    }

    /** Both sides see a reset (RST), without what is still on the way. */
    public void reset() {
        close(client);
        close(server);
        proxy.forget(this);
    }

    private static void close(Socket socket) {
        try {
            socket.setSoLinger(true, 0);
        } catch (IOException e) {
            // Closed already, by the other thread or the other side: there is nothing left to reset.
            return;
        }
        try {
            socket.close();
        } catch (IOException e) {
            throw new IllegalStateException("a socket cannot be closed", e);
        }
    }

    private void end() {
        try {
            toServer.flush();
            toClient.flush();
        } catch (IOException e) {
            // What is left to be sent has nobody to receive it: that is why the link ends.
            proxy.forget(this);
        }
        try {
            client.close();
            server.close();
        } catch (IOException e) {
            throw new IllegalStateException("a socket cannot be closed", e);
        } finally {
            proxy.forget(this);
        }
    }
}
