package dev.perdure.step.http;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * The class of an address, after the IANA special-purpose registries of
 * <a href="https://www.iana.org/assignments/iana-ipv4-special-registry">IPv4</a> and
 * <a href="https://www.iana.org/assignments/iana-ipv6-special-registry">IPv6</a>. IPv6 addresses that carry an IPv4 address are
 * judged by that one too.
 */
enum AddressKind {
    /** Anybody may offer a service there. */
    PUBLIC,
    /** Inside a network or a machine: private, loopback, carrier-grade NAT, unique local. */
    PRIVATE,
    /** No place for a service that a workflow calls: link-local, metadata of clouds, multicast, reserved. */
    SPECIAL;

    private static final List<AddressRange> METADATA = ranges(
            // AWS and Google over IPv6, Alibaba, Oracle, Azure; 169.254.169.254 is link-local anyway.
            "fd00:ec2::/32", "fd20:ce::/32", "100.100.100.200", "192.0.0.192", "168.63.129.16");

    private static final List<AddressRange> INSIDE = ranges(
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "::1",
            "fc00::/7",
            "fec0::/10");

    private static final List<AddressRange> RESERVED = ranges(
            "0.0.0.0/8",
            "169.254.0.0/16",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
            // Protocol assignments, with Teredo in 2001::/32; 6to4; documentation.
            "2001::/23",
            "2001:db8::/32",
            "2002::/16",
            "3fff::/20");

    private static final AddressRange GLOBAL_UNICAST = AddressRange.of("2000::/3");
    private static final AddressRange NAT64 = AddressRange.of("64:ff9b::/96");

    static AddressKind of(InetAddress address) {
        if (isIn(METADATA, address)) {
            return SPECIAL;
        }
        if (isIn(INSIDE, address)) {
            return PRIVATE;
        }
        if (isIn(RESERVED, address)) {
            return SPECIAL;
        }
        if (address instanceof Inet4Address) {
            return PUBLIC;
        }
        if (NAT64.contains(address)) {
            return of(lastFourBytes(address)) == PUBLIC ? PUBLIC : SPECIAL;
        }
        if (!GLOBAL_UNICAST.contains(address)) {
            return SPECIAL;
        }
        return isIsatap(address) && of(lastFourBytes(address)) != PUBLIC ? SPECIAL : PUBLIC;
    }

    /** RFC 5214: an interface identifier {@code 0000:5efe} or {@code 0200:5efe} before the IPv4 address. */
    private static boolean isIsatap(InetAddress address) {
        byte[] bytes = address.getAddress();
        return (bytes[8] & ~2) == 0 && bytes[9] == 0 && bytes[10] == 0x5e && bytes[11] == (byte) 0xfe;
    }

    private static InetAddress lastFourBytes(InetAddress address) {
        try {
            return InetAddress.getByAddress(Arrays.copyOfRange(address.getAddress(), 12, 16));
        } catch (UnknownHostException e) {
            throw new IllegalStateException("four bytes are an address", e);
        }
    }

    private static boolean isIn(List<AddressRange> ranges, InetAddress address) {
        for (AddressRange range : ranges) {
            if (range.contains(address)) {
                return true;
            }
        }
        return false;
    }

    private static List<AddressRange> ranges(String... texts) {
        return Stream.of(texts).map(AddressRange::of).toList();
    }
}
