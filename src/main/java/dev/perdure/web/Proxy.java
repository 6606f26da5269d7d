package dev.perdure.web;

import dev.perdure.step.http.AddressRange;
import io.vertx.core.http.HttpServerRequest;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Proxies that log people in and name their groups in a header. From any other address the header means nothing.
 *
 * @param addresses of the proxies
 * @param header its name
 */
public record Proxy(List<AddressRange> addresses, String header) {

    /** Nobody is believed. */
    public static final Proxy NONE = new Proxy(List.of(), "");

    /**
     * Reads settings.
     *
     * @throws IllegalArgumentException for what is no address
     */
    public static Proxy of(List<String> addresses, String header) {
        return new Proxy(
                addresses.stream()
                        .map(text -> {
                            AddressRange range = AddressRange.parse(text.strip());
                            if (range == null) {
                                throw new IllegalArgumentException(text);
                            }
                            return range;
                        })
                        .toList(),
                header);
    }

    /**
     * The groups of the sender of a request; empty when no proxy names any.
     *
     * @throws Problem 400 when the header is there twice: one of them may be the sender's own
     */
    Optional<Set<String>> groups(HttpServerRequest request) throws Problem {
        if (addresses.isEmpty() || !isOfProxy(request)) {
            return Optional.empty();
        }
        List<String> values = request.headers().getAll(header);
        if (values.isEmpty()) {
            return Optional.empty();
        }
        if (values.size() > 1) {
            throw Problem.of(400, "The header with the groups is there more than once", header);
        }
        return Optional.of(Arrays.stream(values.get(0).split(","))
                .map(String::strip)
                .filter(group -> !group.isEmpty())
                .collect(Collectors.toSet()));
    }

    private boolean isOfProxy(HttpServerRequest request) {
        String text =
                request.remoteAddress() == null ? null : request.remoteAddress().hostAddress();
        InetAddress address = text == null ? null : AddressRange.address(text.split("%", 2)[0]);
        return address != null && addresses.stream().anyMatch(range -> range.contains(address));
    }
}
