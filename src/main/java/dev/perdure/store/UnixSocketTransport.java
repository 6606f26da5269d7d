package dev.perdure.store;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.vertx.core.Vertx;
import io.vertx.core.impl.VertxBuilder;
import io.vertx.core.impl.transports.JDKTransport;
import io.vertx.core.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import org.jspecify.annotations.Nullable;

/** Unix sockets of Java's own for the reactive client: Vert.x 4 has them only with Netty's native libraries. */
public final class UnixSocketTransport extends JDKTransport {

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
        return domainSocket ? NioDomainSocketChannel::new : super.channelFactory(false);
    }

    @Override
    public java.net.SocketAddress convert(SocketAddress address) {
        return address.isDomainSocket() ? UnixDomainSocketAddress.of(address.path()) : super.convert(address);
    }

    @Override
    public @Nullable SocketAddress convert(java.net.SocketAddress address) {
        return address instanceof UnixDomainSocketAddress unix
                ? SocketAddress.domainSocketAddress(unix.getPath().toString())
                : super.convert(address);
    }
}
