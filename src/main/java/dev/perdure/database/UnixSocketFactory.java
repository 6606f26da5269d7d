package dev.perdure.database;

import io.quarkus.runtime.annotations.RegisterForReflection;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import javax.net.SocketFactory;

/** The {@code socketFactory} of pgjdbc for a URL that names a unix socket; pgjdbc makes it by name. */
@RegisterForReflection
public final class UnixSocketFactory extends SocketFactory {

    private final Path path;

    /**
     * A factory of connections to one server.
     *
     * @param path of the socket, such as {@code /run/postgresql/.s.PGSQL.5432}
     */
    public UnixSocketFactory(String path) {
        this.path = Path.of(path);
    }

    @Override
    public Socket createSocket() throws IOException {
        return new UnixSocket(path);
    }

    @Override
    public Socket createSocket(String host, int port) throws IOException {
        return connected();
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress localHost, int localPort) throws IOException {
        return connected();
    }

    @Override
    public Socket createSocket(InetAddress host, int port) throws IOException {
        return connected();
    }

    @Override
    public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort)
            throws IOException {
        return connected();
    }

    private Socket connected() throws IOException {
        UnixSocket socket = new UnixSocket(path);
        socket.connect(java.net.UnixDomainSocketAddress.of(path));
        return socket;
    }
}
