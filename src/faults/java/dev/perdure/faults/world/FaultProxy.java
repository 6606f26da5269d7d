package dev.perdure.faults.world;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A TCP proxy on 127.0.0.1 between workers and PostgreSQL, which cuts, stalls and resets, and holds a connection at a
 * named point of the step protocol. It reads the protocol; connections through it are not encrypted.
 */
public final class FaultProxy implements AutoCloseable {

    private final ServerSocket listener;
    private final Set<Link> links = ConcurrentHashMap.newKeySet();
    private final AtomicReference<@Nullable Trap> trap = new AtomicReference<>();
    private final Gate toServer = new Gate();
    private final Gate toClient = new Gate();
    private final AtomicInteger number = new AtomicInteger();
    private volatile int target;
    private volatile boolean refusing;

    public FaultProxy(int target) {
        this.target = target;
        try {
            listener = new ServerSocket(0, 200, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread thread = new Thread(this::accept, "proxy");
        thread.setDaemon(true);
        thread.start();
    }

    public int port() {
        return listener.getLocalPort();
    }

    /** Where new connections go from now on; those that exist stay. */
    public void retarget(int port) {
        target = port;
    }

    private void accept() {
        while (!listener.isClosed()) {
            Socket client;
            try {
                client = listener.accept();
            } catch (IOException e) {
                if (!listener.isClosed()) {
                    throw new UncheckedIOException("the proxy cannot listen", e);
                }
                return;
            }
            try {
                connect(client);
            } catch (IOException e) {
                // It was gone before it was connected; the others must not wait for it.
                System.out.println("        a connection ended before it began: " + e);
            }
        }
    }

    private void connect(Socket client) throws IOException {
        Socket server = new Socket();
        try {
            if (refusing) {
                throw new IOException("refused");
            }
            server.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), target), 2000);
            Link link = new Link(this, client, server);
            links.add(link);
            link.start("proxy " + number.incrementAndGet());
        } catch (IOException e) {
            // The server is down: the client sees its connection end, as it would without a proxy.
            client.setSoLinger(true, 0);
            client.close();
            server.close();
        }
    }

    Gate toServer() {
        return toServer;
    }

    Gate toClient() {
        return toClient;
    }

    void forget(Link link) {
        links.remove(link);
    }

    /** Sets a trap for the next step that comes to a point; the one that was set before is gone. */
    public Trap arm(Point point) {
        return arm(new Spot(point, Subject.STEP));
    }

    /** Sets a trap for what comes to a spot next; the one that was set before is gone. */
    public Trap arm(Spot spot) {
        Trap set = new Trap(spot);
        trap.set(set);
        return set;
    }

    /** Takes the trap away; a connection that it holds stays held. */
    public void disarm() {
        trap.set(null);
    }

    @Nullable Trap trap(Spot spot) {
        Trap set = trap.get();
        return set != null && set.spot().equals(spot) && trap.compareAndSet(set, null) ? set : null;
    }

    /** Resets connections, each with the given chance. */
    public int resetSome(RandomGenerator random, double chance) {
        List<Link> chosen = new ArrayList<>();
        for (Link link : links) {
            if (random.nextDouble() < chance) {
                chosen.add(link);
            }
        }
        chosen.forEach(Link::reset);
        return chosen.size();
    }

    /**
     * Loses all that connections carry, each with the given chance.
     *
     * @return resets these connections
     */
    public Runnable silenceSome(RandomGenerator random, double chance) {
        List<Link> chosen = new ArrayList<>();
        for (Link link : links) {
            if (random.nextDouble() < chance) {
                chosen.add(link);
                link.silence();
            }
        }
        return () -> chosen.forEach(Link::reset);
    }

    /** Holds back all bytes of a direction, of present and new connections. */
    public void stall(boolean directionToServer, boolean directionToClient) {
        if (directionToServer) {
            toServer.close();
        }
        if (directionToClient) {
            toClient.close();
        }
    }

    /** Bytes flow again. */
    public void flow() {
        toServer.open();
        toClient.open();
    }

    /** Resets all connections, and new ones as long as {@link #letIn()} was not called. */
    public void cut() {
        refusing = true;
        List.copyOf(links).forEach(Link::reset);
    }

    /** New connections reach the server again. */
    public void letIn() {
        refusing = false;
    }

    @Override
    public void close() {
        try {
            listener.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        flow();
        List.copyOf(links).forEach(Link::reset);
    }
}
