package dev.perdure.database;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Writes a {@link DatabaseUrl} as text. */
final class UriText {

    private UriText() {}

    static String of(DatabaseUrl url, Map<String, String> parameters, @Nullable String password) {
        String hosts = url.hosts().stream().map(UriText::host).collect(Collectors.joining(","));
        StringJoiner query = new StringJoiner("&", "?", "").setEmptyValue("");
        new TreeMap<>(parameters).forEach((name, value) -> query.add(name + "=" + encode(value)));
        String secret = password == null ? "" : ":" + encode(password);
        return "postgresql://" + encode(url.user()) + secret + "@" + hosts + "/" + encode(url.database()) + query;
    }

    private static String host(DatabaseUrl.Host host) {
        return host.isSocketDirectory() ? encode(host.name()) + ":" + host.port() : host.toString();
    }

    static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
