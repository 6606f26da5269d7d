package dev.perdure.step.http;

import java.net.IDN;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Takes a URL apart. What two programs could read differently is refused, never guessed: the host that is checked must be
 * the host that everybody else sees in that URL.
 */
final class TargetParser {

    private static final Pattern LABEL = Pattern.compile("[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?");
    private static final Pattern NUMERIC = Pattern.compile("[0-9]+|0x[0-9a-f]*");
    private static final Pattern PORT = Pattern.compile("[0-9]{1,5}");
    private static final int LONGEST_NAME = 253;
    /** IDNA 2003, which Java knows, and IDNA 2008 make different hosts of names with these. */
    private static final String AMBIGUOUS = "ßς\u200c\u200d";
    /** Characters of a path or query that are sent as they are (RFC 3986, and what servers take in practice). */
    private static final String PLAIN = "-._~!$&'()*+,;=:@/?%[]";

    private final String url;

    private TargetParser(String url) {
        this.url = url;
    }

    /**
     * Takes a URL apart.
     *
     * @throws HttpStepException when it is none that can be called; the message is the node's error text
     */
    static Target parse(String url) throws HttpStepException {
        return new TargetParser(url).target();
    }

    private Target target() throws HttpStepException {
        int end = url.indexOf("://");
        String scheme = (end < 0 ? url : url.substring(0, end)).toLowerCase(Locale.ROOT);
        boolean tls = scheme.equals("https");
        if (!tls && !scheme.equals("http")) {
            throw HttpStepException.blocked(
                    "unsupported URL scheme '" + scheme + "'. Only http and https are allowed.");
        }
        if (end < 0) {
            throw invalid("the URL has no ://");
        }
        if (url.chars().anyMatch(c -> c < ' ' || c == 0x7f)) {
            throw invalid("the URL contains a control character");
        }
        int from = end + 3;
        int pathAt = from;
        while (pathAt < url.length() && "/?#".indexOf(url.charAt(pathAt)) < 0) {
            pathAt++;
        }
        String authority = url.substring(from, pathAt);
        if (authority.indexOf('@') >= 0) {
            throw invalid("user names and passwords in URLs are not supported; send an Authorization header");
        }
        if (authority.indexOf('\\') >= 0 || authority.indexOf('%') >= 0 || authority.indexOf(' ') >= 0) {
            throw invalid("the URL's host contains a character that no host has");
        }
        int portAt = authority.lastIndexOf(':');
        boolean hasPort = portAt > authority.lastIndexOf(']');
        String host = hasPort ? authority.substring(0, portAt) : authority;
        int port = port(hasPort ? authority.substring(portAt + 1) : "", tls ? 443 : 80);
        return target(tls, host, port, uri(url.substring(pathAt)));
    }

    private Target target(boolean tls, String host, int port, String uri) throws HttpStepException {
        if (host.startsWith("[") && host.endsWith("]")) {
            InetAddress address = AddressRange.address(host.substring(1, host.length() - 1));
            if (address == null || host.indexOf(':') < 0) {
                throw invalid("'" + host + "' is not an IPv6 address");
            }
            return new Target(tls, host.toLowerCase(Locale.ROOT), address, port, uri);
        }
        String name = name(host);
        String last = name.substring(name.lastIndexOf('.') + 1);
        if (NUMERIC.matcher(last).matches()) {
            InetAddress address = AddressRange.address(name);
            if (address == null) {
                throw invalid("'" + host + "' is not a host; an IPv4 address is written as four decimal numbers");
            }
            return new Target(tls, name, address, port, uri);
        }
        return new Target(tls, name, null, port, uri);
    }

    private String name(String host) throws HttpStepException {
        if (host.isEmpty()) {
            throw HttpStepException.blocked("unable to extract hostname from URL.");
        }
        if (host.chars().anyMatch(c -> AMBIGUOUS.indexOf(c) >= 0)) {
            throw invalid("the host has more than one ASCII form; write the one that you mean (xn--…)");
        }
        String name;
        try {
            name = IDN.toASCII(host).toLowerCase(Locale.ROOT);
        } catch (IllegalArgumentException e) {
            throw invalid("'" + host + "' is not a host name");
        }
        if (name.endsWith(".")) {
            name = name.substring(0, name.length() - 1);
        }
        if (name.length() > LONGEST_NAME) {
            throw invalid("the host name is longer than " + LONGEST_NAME + " characters");
        }
        for (String label : name.split("\\.", -1)) {
            if (!LABEL.matcher(label).matches()) {
                throw invalid("'" + host + "' is not a host name");
            }
        }
        return name;
    }

    private int port(String text, int standard) throws HttpStepException {
        if (text.isEmpty()) {
            return standard;
        }
        int port = PORT.matcher(text).matches() ? Integer.parseInt(text) : 0;
        if (port < 1 || port > 65_535) {
            throw invalid("'" + text + "' is not a port");
        }
        return port;
    }

    private static String uri(String rest) {
        int fragment = rest.indexOf('#');
        String path = fragment < 0 ? rest : rest.substring(0, fragment);
        StringBuilder out = new StringBuilder(path.length() + 8);
        if (!path.startsWith("/")) {
            out.append('/');
        }
        for (byte unit : path.getBytes(StandardCharsets.UTF_8)) {
            boolean letterOrDigit =
                    unit >= 'a' && unit <= 'z' || unit >= 'A' && unit <= 'Z' || unit >= '0' && unit <= '9';
            if (letterOrDigit || unit > 0 && PLAIN.indexOf(unit) >= 0) {
                out.append((char) unit);
            } else {
                out.append(String.format("%%%02X", unit));
            }
        }
        return out.toString();
    }

    private HttpStepException invalid(String problem) {
        return HttpStepException.invalid(url, problem);
    }
}
