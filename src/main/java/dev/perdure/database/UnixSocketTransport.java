package dev.perdure.database;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.InternetProtocolFamily;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.vertx.core.Vertx;
import io.vertx.core.impl.VertxBuilder;
import io.vertx.core.impl.transports.JDKTransport;
import io.vertx.core.net.SocketAddress;
import io.vertx.core.spi.transport.Transport;
import java.net.UnixDomainSocketAddress;
import java.util.concurrent.ThreadFactory;
import org.jspecify.annotations.Nullable;

/** Unix sockets of Java's own for the reactive client: Vert.x 4 has them only with Netty's native libraries. */
public final class UnixSocketTransport implements Transport {

    // Not extended: Vert.x takes what extends it for one that has no unix sockets.
    private final Transport tcp = JDKTransport.INSTANCE;

    private UnixSocketTransport() {}

    /** A Vert.x that can use unix sockets. The caller closes it. */
    public static Vertx vertx() {
        return new VertxBuilder()
                .findTransport(new UnixSocketTransport())
                .init()
                .vertx();
    }

    @Override
    public boolean supportsDomainSockets() {
        return true;
    }

    @Override
    public ChannelFactory<? extends Channel> channelFactory(boolean domainSocket) {
        return domainSocket ? NioDomainSocketChannel::new : tcp.channelFactory(false);
    }

    @Override
    public ChannelFactory<? extends ServerChannel> serverChannelFactory(boolean domainSocket) {
        return tcp.serverChannelFactory(domainSocket);
    }

    @Override
    public EventLoopGroup eventLoopGroup(int type, int threads, ThreadFactory factory, int ioRatio) {
        return tcp.eventLoopGroup(type, threads, factory, ioRatio);
    }

    @Override
    public DatagramChannel datagramChannel() {
        return tcp.datagramChannel();
    }

    @Override
    public DatagramChannel datagramChannel(InternetProtocolFamily family) {
        return tcp.datagramChannel(family);
    }

    @Override
    public java.net.SocketAddress convert(SocketAddress address) {
        return address.isDomainSocket() ? UnixDomainSocketAddress.of(address.path()) : Transport.super.convert(address);
    }

    @Override
    public @Nullable SocketAddress convert(java.net.SocketAddress address) {
        return address instanceof UnixDomainSocketAddress unix
                ? SocketAddress.domainSocketAddress(unix.getPath().toString())
                : Transport.super.convert(address);
    }
}
