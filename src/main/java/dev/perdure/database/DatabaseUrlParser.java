package dev.perdure.database;

import dev.perdure.database.DatabaseUrl.Host;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Reads the text of a {@link DatabaseUrl}. Its messages quote no part of the text in which a password could be. */
final class DatabaseUrlParser {

    private static final Set<String> PARAMETERS = Set.of(
            "application_name",
            "channel_binding",
            "connect_timeout",
            "options",
            "passfile",
            "sslcert",
            "sslkey",
            "sslmode",
            "sslrootcert",
            "target_session_attrs");

    /** libpq knows them; here they are accepted and have no effect. */
    private static final Set<String> WITHOUT_EFFECT = Set.of(
            "fallback_application_name",
            "gssencmode",
            "keepalives",
            "keepalives_count",
            "keepalives_idle",
            "keepalives_interval",
            "sslcompression",
            "sslsni",
            "tcp_user_timeout");

    private static final Map<String, Set<String>> VALUES = Map.of(
            "sslmode", Set.of("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
            "channel_binding", Set.of("disable", "prefer", "require"),
            "target_session_attrs", Set.of("any", "read-write", "primary", "standby", "prefer-standby"));

    private DatabaseUrlParser() {}

    static DatabaseUrl parse(String url) {
        String rest = afterScheme(url.strip());
        int question = rest.indexOf('?');
        String location = question < 0 ? rest : rest.substring(0, question);
        String query = question < 0 ? "" : rest.substring(question + 1);

        int slash = location.indexOf('/');
        String authority = slash < 0 ? location : location.substring(0, slash);
        String path = slash < 0 ? "" : location.substring(slash + 1);
        if (path.contains("@") || query.contains("@")) {
            throw invalid("an '@' stands after the host. Percent-encode special characters of the user and the password"
                    + " ('/' is %2F, '?' is %3F, '@' is %40)");
        }

        Map<String, String> parameters = parameters(query);
        int at = authority.lastIndexOf('@');
        String credentials = at < 0 ? "" : authority.substring(0, at);
        int colon = credentials.indexOf(':');
        String user = decode(colon < 0 ? credentials : credentials.substring(0, colon), "user");
        String password = colon < 0 ? "" : decode(credentials.substring(colon + 1), "password");

        List<Host> hosts = hosts(authority.substring(at + 1), parameters.remove("host"), parameters.remove("port"));
        user = firstNonEmpty(parameters.remove("user"), user, System.getProperty("user.name", ""));
        password = firstNonEmpty(parameters.remove("password"), password, "");
        String database = firstNonEmpty(parameters.remove("dbname"), decode(path, "database"), user);
        parameters.forEach(DatabaseUrlParser::checkParameter);
        parameters.keySet().removeAll(WITHOUT_EFFECT);
        return new DatabaseUrl(hosts, user, password.isEmpty() ? null : password, database, parameters);
    }

    static void checkParameter(String name, String value) {
        if (WITHOUT_EFFECT.contains(name)) {
            return;
        }
        if (name.equals("sslpassword")) {
            throw invalid("sslpassword is not supported: store the key of sslkey without a password, readable for the"
                    + " worker only (openssl pkcs8 -topk8 -nocrypt)");
        }
        if (!PARAMETERS.contains(name)) {
            throw invalid(
                    "the parameter '" + name + "' is not supported; supported are host, port, dbname, user, password, "
                            + String.join(", ", PARAMETERS.stream().sorted().toList()));
        }
        Set<String> allowed = VALUES.get(name);
        if (allowed != null && !allowed.contains(value)) {
            throw invalid(name + " is one of "
                    + String.join(", ", allowed.stream().sorted().toList()));
        }
        if (name.equals("connect_timeout") && !value.matches("\\d{1,6}")) {
            throw invalid("connect_timeout is a number of seconds, 0 for no limit");
        }
    }

    private static String afterScheme(String url) {
        for (String scheme : List.of("postgresql://", "postgres://")) {
            if (url.startsWith(scheme)) {
                return url.substring(scheme.length());
            }
        }
        String hint = url.startsWith("jdbc:") ? " (a libpq URL: without 'jdbc:')" : "";
        throw invalid("it has to begin with postgresql://" + hint
                + ", for example postgresql://df_worker@db.example.org:5432/app?sslmode=verify-full");
    }

    private static Map<String, String> parameters(String query) {
        Map<String, String> parameters = new TreeMap<>();
        for (String pair : query.split("&", -1)) {
            if (pair.isEmpty()) {
                continue;
            }
            int equals = pair.indexOf('=');
            if (equals < 1) {
                throw invalid(
                        "a parameter after '?' has no value; parameters are written name=value and joined by '&'");
            }
            String name = decode(pair.substring(0, equals), "parameters");
            parameters.put(name, decode(pair.substring(equals + 1), "parameter " + name));
        }
        return parameters;
    }

    private static List<Host> hosts(String authority, @Nullable String hostParameter, @Nullable String portParameter) {
        List<String> names = new ArrayList<>();
        List<String> ports = new ArrayList<>();
        for (String part : authority.split(",", -1)) {
            int bracket = part.lastIndexOf(']');
            if (part.startsWith("[") && bracket < 0) {
                throw invalid("an IPv6 address is not closed by ']'");
            }
            int colon = part.indexOf(':', Math.max(bracket, 0));
            String name = colon < 0 ? part : part.substring(0, colon);
            names.add(decode(bracket > 0 ? name.substring(1, bracket) : name, "host"));
            ports.add(colon < 0 ? "" : part.substring(colon + 1));
        }
        if (hostParameter != null) {
            names = List.of(hostParameter.split(",", -1));
        }
        if (portParameter != null) {
            ports = List.of(portParameter.split(",", -1));
        }
        if (ports.size() != 1 && ports.size() != names.size()) {
            throw invalid("there are " + names.size() + " hosts, but " + ports.size() + " ports");
        }
        List<Host> hosts = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            String name = names.get(i).isEmpty() ? "localhost" : names.get(i);
            hosts.add(new Host(name, port(ports.size() == 1 ? ports.get(0) : ports.get(i))));
        }
        if (hosts.size() > 1 && hosts.stream().anyMatch(Host::isSocketDirectory)) {
            throw invalid("a unix socket is the only host of its URL");
        }
        return hosts;
    }

    private static int port(String text) {
        if (text.isEmpty()) {
            return DatabaseUrl.DEFAULT_PORT;
        }
        if (text.matches("\\d{1,5}")) {
            int port = Integer.parseInt(text);
            if (port >= 1 && port <= 65535) {
                return port;
            }
        }
        // Not quoted: where a '/' of a password was not percent-encoded, this is a part of the password.
        throw invalid(
                "the port is not a number from 1 to 65535. (Percent-encode special characters of the password, '/' is"
                        + " %2F; put an IPv6 address in brackets)");
    }

    private static String decode(String text, String part) {
        try {
            return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw invalid(
                    "the " + part + " has a '%' that is not followed by two hexadecimal digits; a '%' itself is %25");
        }
    }

    private static String firstNonEmpty(@Nullable String first, String second, String third) {
        if (first != null && !first.isEmpty()) {
            return first;
        }
        return second.isEmpty() ? third : second;
    }

    private static InvalidDatabaseUrlException invalid(String why) {
        return new InvalidDatabaseUrlException("The database URL cannot be used: " + why);
    }
}
