package dev.perdure.step.http;

import java.net.InetAddress;
import java.util.List;
import java.util.Set;

/**
 * Decides where a request may go: first by the host as the URL has it, then by the addresses that the name resolves to.
 * A name in the list opens private addresses to the host of that name; link-local, metadata and other special addresses
 * are opened by listing the address only, so that the operator of a listed name's DNS cannot reach them.
 */
public final class EgressPolicy {

    /** <a href="https://fetch.spec.whatwg.org/#port-blocking">Bad ports</a>: other protocols would understand HTTP. */
    private static final Set<Integer> BAD_PORTS = Set.of(
            1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104,
            109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515,
            526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049,
            3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080);

    private final EgressMode mode;
    private final List<AllowEntry> allowed;

    /**
     * @param allow entries as {@code perdure.http.allow} has them
     * @throws IllegalArgumentException when an entry cannot be read
     */
    public EgressPolicy(EgressMode mode, List<String> allow) {
        this.mode = mode;
        this.allowed = allow.stream()
                .filter(entry -> !entry.isBlank())
                .map(AllowEntry::parse)
                .toList();
    }

    /**
     * Refuses hosts that can be refused before the name is resolved.
     *
     * @throws HttpStepException when the target must not be called; the message is the node's error text
     */
    void checkHost(Target target) throws HttpStepException {
        if (mode == EgressMode.OFF) {
            throw HttpStepException.blocked(
                    "outbound HTTP requests are disabled. An administrator can enable them (setting perdure.http.egress of"
                            + " the worker).");
        }
        if (BAD_PORTS.contains(target.port())
                && allowed.stream()
                        .noneMatch(entry -> entry.hasPort() && entry.matchesName(target)
                                || entry.hasPort()
                                        && target.address() != null
                                        && entry.matchesAddress(target, target.address()))) {
            throw HttpStepException.blocked("port " + target.port() + " is not for HTTP. " + remedy(target));
        }
        boolean mayBeListedByAddress =
                target.address() == null && allowed.stream().anyMatch(entry -> entry.range() != null);
        if (mode == EgressMode.LISTED && !isListed(target) && !mayBeListedByAddress) {
            throw notListed(target);
        }
    }

    /**
     * The addresses that may be connected to.
     *
     * @param addresses what the host resolves to, not empty
     * @throws HttpStepException when none of them may be called; the message is the node's error text
     */
    List<InetAddress> permitted(Target target, List<InetAddress> addresses) throws HttpStepException {
        List<InetAddress> permitted =
                addresses.stream().filter(address -> permits(target, address)).toList();
        if (!permitted.isEmpty()) {
            return permitted;
        }
        if (addresses.stream().anyMatch(address -> AddressKind.of(address) == AddressKind.PUBLIC)) {
            throw notListed(target);
        }
        throw HttpStepException.blocked("the resolved IP address for '" + target.host()
                + "' is in a restricted range. df.http() cannot access private or internal network addresses. "
                + remedy(target));
    }

    private boolean permits(Target target, InetAddress address) {
        if (mode == EgressMode.OFF) {
            return false;
        }
        for (AllowEntry entry : allowed) {
            if (entry.matchesAddress(target, address)
                    || entry.matchesName(target) && AddressKind.of(address) != AddressKind.SPECIAL) {
                return true;
            }
        }
        return mode == EgressMode.PUBLIC && AddressKind.of(address) == AddressKind.PUBLIC;
    }

    private boolean isListed(Target target) {
        InetAddress address = target.address();
        return allowed.stream()
                .anyMatch(
                        entry -> entry.matchesName(target) || address != null && entry.matchesAddress(target, address));
    }

    private static HttpStepException notListed(Target target) {
        return HttpStepException.blocked(
                "'" + target.host() + "' is not in the allowed endpoint list. " + remedy(target));
    }

    private static String remedy(Target target) {
        return "An administrator can list " + target.authority() + " in the worker's setting perdure.http.allow.";
    }
}
