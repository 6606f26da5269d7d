package dev.perdure.step.http;

import java.net.InetAddress;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One entry of {@code perdure.http.allow}: {@code api.example.org}, {@code *.example.org}, {@code 10.1.2.3},
 * {@code 10.1.0.0/16}, {@code [fd00::1]}, {@code [fd00::/8]}, each also with {@code :port}.
 *
 * @param name a host name; with {@code *.} in front, all names below it. Null for addresses
 * @param range of addresses; null for a name
 * @param port 0 for any
 */
record AllowEntry(@Nullable String name, @Nullable AddressRange range, int port) {

    private static final Pattern NAME = Pattern.compile("(\\*\\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?");
    private static final Pattern PORT = Pattern.compile(":([0-9]{1,5})$");

    /**
     * Reads an entry.
     *
     * @throws IllegalArgumentException with a message that says what is wrong
     */
    static AllowEntry parse(String text) {
        String rest = text.strip().toLowerCase(Locale.ROOT);
        int port = 0;
        boolean bareIpv6 = !rest.startsWith("[") && rest.indexOf(':') != rest.lastIndexOf(':');
        var end = PORT.matcher(rest);
        if (!bareIpv6 && end.find()) {
            port = Integer.parseInt(end.group(1));
            rest = rest.substring(0, end.start());
        }
        if (rest.startsWith("[") && rest.endsWith("]")) {
            rest = rest.substring(1, rest.length() - 1);
        }
        AddressRange range = AddressRange.parse(rest);
        String name = rest.endsWith(".") ? rest.substring(0, rest.length() - 1) : rest;
        boolean numeric = name.matches("(.*\\.)?([0-9]+|0x[0-9a-f]*)");
        if (port > 65_535 || range == null && (numeric || !NAME.matcher(name).matches())) {
            throw new IllegalArgumentException(
                    "perdure.http.allow: '" + text
                            + "' is none of: a host name, *.domain, an address, a range such as 10.0.0.0/8, each also with :port");
        }
        return new AllowEntry(range == null ? name : null, range, port);
    }

    /** Whether the entry names the target's host, which may then have a private address. */
    boolean matchesName(Target target) {
        if (name == null || target.address() != null || !matchesPort(target)) {
            return false;
        }
        return name.startsWith("*.") ? target.host().endsWith(name.substring(1)) : name.equals(target.host());
    }

    /** Whether the entry names an address, whatever it is and whichever name led there. */
    boolean matchesAddress(Target target, InetAddress address) {
        return range != null && range.contains(address) && matchesPort(target);
    }

    boolean hasPort() {
        return port != 0;
    }

    private boolean matchesPort(Target target) {
        return port == 0 || port == target.port();
    }
}
