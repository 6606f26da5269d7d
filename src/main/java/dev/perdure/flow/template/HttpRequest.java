package dev.perdure.flow.template;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** A request that an HTTP step sends, after substitution. Whether it may and can be sent is not looked at here. */
public sealed interface HttpRequest {

    /** The URL as it was written. */
    String url();

    /** In upper case when a builder made the node; anything in a node that was written by hand. */
    String method();

    /** Header values by name, in the order of the names. */
    Map<String, String> headers();

    /** The limit for the whole request, from 1. */
    int timeoutSeconds();

    /** The statuses that are a success, such as {@code 2xx,404}; null when the sender decides, for whom 500 and above are none. */
    @Nullable String expect();

    /** Its options. */
    HttpOptions options();

    /** The type of the node: {@code HTTP} or {@code HTTP_MULTIPART}. */
    String nodeType();

    /** The configuration after substitution, for {@code df.nodes.executed_query}: a JSON object as the builders write it. */
    default String text() {
        return HttpRequestText.of(this);
    }

    /** Characters that it has, about. */
    default long length() {
        return url().length()
                + headers().values().stream().mapToLong(String::length).sum();
    }

    /** The names of the secrets that headers and body refer to; their values are not in here. */
    default Set<String> secrets() {
        Set<String> names = new LinkedHashSet<>();
        headers().values().forEach(value -> SecretReference.collect(value, names));
        options().formFields().values().forEach(value -> SecretReference.collect(value, names));
        return names;
    }

    /**
     * The same request with the values of secrets in place of the references: for sending, never for showing.
     *
     * @param values by name
     */
    HttpRequest withSecrets(UnaryOperator<String> values);

    private static Map<String, String> resolved(Map<String, String> headers, UnaryOperator<String> values) {
        Map<String, String> resolved = new LinkedHashMap<>();
        headers.forEach((name, value) -> resolved.put(name, SecretReference.resolve(value, values)));
        return resolved;
    }

    /**
     * A request with a text as its body.
     *
     * @param body null for none
     */
    record Plain(
            String url,
            String method,
            @Nullable String body,
            Map<String, String> headers,
            int timeoutSeconds,
            @Nullable String expect,
            HttpOptions options)
            implements HttpRequest {

        public Plain(
                String url, String method, @Nullable String body, Map<String, String> headers, int timeoutSeconds) {
            this(url, method, body, headers, timeoutSeconds, null, HttpOptions.NONE);
        }

        @Override
        public String nodeType() {
            return "HTTP";
        }

        @Override
        public long length() {
            return HttpRequest.super.length() + (body == null ? 0 : body.length());
        }

        @Override
        public Set<String> secrets() {
            Set<String> names = HttpRequest.super.secrets();
            if (body != null) {
                SecretReference.collect(body, names);
            }
            return names;
        }

        @Override
        public HttpRequest withSecrets(UnaryOperator<String> values) {
            return new Plain(
                    url,
                    method,
                    body == null ? null : SecretReference.resolve(body, values),
                    resolved(headers, values),
                    timeoutSeconds,
                    expect,
                    options.resolved(values));
        }
    }

    /** A request with a {@code multipart/form-data} body. */
    record Multipart(
            String url,
            String method,
            List<Part> parts,
            Map<String, String> headers,
            int timeoutSeconds,
            @Nullable String expect,
            HttpOptions options)
            implements HttpRequest {

        public Multipart(String url, String method, List<Part> parts, Map<String, String> headers, int timeoutSeconds) {
            this(url, method, parts, headers, timeoutSeconds, null, HttpOptions.NONE);
        }

        @Override
        public String nodeType() {
            return "HTTP_MULTIPART";
        }

        @Override
        public HttpRequest withSecrets(UnaryOperator<String> values) {
            return new Multipart(
                    url, method, parts, resolved(headers, values), timeoutSeconds, expect, options.resolved(values));
        }
    }

    /**
     * A part of a multipart body.
     *
     * @param data its content in base64
     */
    record Part(String name, @Nullable String filename, @Nullable String contentType, String data) {}
}
