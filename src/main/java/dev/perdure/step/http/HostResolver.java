package dev.perdure.step.http;

import java.net.InetAddress;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Finds the addresses of a host name. */
public interface HostResolver extends AutoCloseable {

    /**
     * The addresses of a name, at least one. Fails with {@link java.net.UnknownHostException} when there is none. Does not
     * block. Who is not interested any more completes or cancels it.
     *
     * @param role for whom, so that names of one role hold up no other
     */
    CompletableFuture<List<InetAddress>> resolve(String name, long role);

    @Override
    void close();
}
