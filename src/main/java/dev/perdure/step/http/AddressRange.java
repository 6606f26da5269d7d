package dev.perdure.step.http;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A block of addresses, such as {@code 10.0.0.0/8} or {@code fc00::/7}; a single address is a block of its full length.
 *
 * @param network of 4 or 16 bytes
 * @param length of the prefix in bits
 */
public record AddressRange(byte[] network, int length) {

    private static final Pattern OCTET = Pattern.compile("0|[1-9][0-9]{0,2}");

    /** Reads {@code address} or {@code address/length}; null when the text is neither. */
    public static @Nullable AddressRange parse(String text) {
        int slash = text.indexOf('/');
        InetAddress address = address(slash < 0 ? text : text.substring(0, slash));
        if (address == null) {
            return null;
        }
        byte[] network = address.getAddress();
        int bits = network.length * 8;
        if (slash < 0) {
            return new AddressRange(network, bits);
        }
        String length = text.substring(slash + 1);
        if (!OCTET.matcher(length).matches() || Integer.parseInt(length) > bits) {
            return null;
        }
        return new AddressRange(network, Integer.parseInt(length));
    }

    /** A block that is written down in this program. */
    static AddressRange of(String text) {
        AddressRange range = parse(text);
        if (range == null) {
            throw new IllegalArgumentException(text);
        }
        return range;
    }

    /**
     * Reads an address: four decimal numbers, or IPv6 without a zone. Never asks a resolver. IPv4-mapped IPv6 is the IPv4
     * address that it stands for.
     *
     * @return null when the text is no address
     */
    public static @Nullable InetAddress address(String text) {
        try {
            if (text.indexOf(':') >= 0) {
                boolean literal = text.chars().allMatch(c -> c == ':' || c == '.' || Character.digit(c, 16) >= 0);
                // In brackets Java looks for an IPv6 address only.
                return literal ? InetAddress.getByName("[" + text + "]") : null;
            }
            String[] parts = text.split("\\.", -1);
            byte[] bytes = new byte[4];
            if (parts.length != bytes.length) {
                return null;
            }
            for (int i = 0; i < bytes.length; i++) {
                if (!OCTET.matcher(parts[i]).matches() || Integer.parseInt(parts[i]) > 255) {
                    return null;
                }
                bytes[i] = (byte) Integer.parseInt(parts[i]);
            }
            return InetAddress.getByAddress(bytes);
        } catch (UnknownHostException e) {
            return null;
        }
    }

    /** Whether an address is in the block. */
    public boolean contains(InetAddress address) {
        byte[] bytes = address.getAddress();
        if (bytes.length != network.length) {
            return false;
        }
        int whole = length / 8;
        for (int i = 0; i < whole; i++) {
            if (bytes[i] != network[i]) {
                return false;
            }
        }
        int rest = length % 8;
        return rest == 0 || ((bytes[whole] ^ network[whole]) & 0xff) >> (8 - rest) == 0;
    }
}
