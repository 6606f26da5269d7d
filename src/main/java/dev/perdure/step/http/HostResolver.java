package dev.perdure.step.http;

import java.net.InetAddress;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** Finds the addresses of a host name. */
public interface HostResolver extends AutoCloseable {

    /**
     * The addresses of a name, at least one. Fails with {@link java.net.UnknownHostException} when there is none. Does not
     * block.
     */
    CompletionStage<List<InetAddress>> resolve(String name);

    @Override
    void close();
}
