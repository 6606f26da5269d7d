package dev.perdure.web;

import io.vertx.core.http.HttpServerRequest;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/** A role and a password that are sent with each request. */
record Basic(String role, String password) {

    private static final Basic NONE = new Basic("", "");

    /** The sender that a request names: null when it names none; a login that fails when it is not Basic. */
    static @Nullable Basic of(HttpServerRequest request) {
        String header = request.getHeader("Authorization");
        if (header == null) {
            return null;
        }
        if (!header.regionMatches(true, 0, "Basic ", 0, 6)) {
            return NONE;
        }
        try {
            byte[] decoded = Base64.getDecoder().decode(header.substring(6).strip());
            String[] parts = new String(decoded, StandardCharsets.UTF_8).split(":", 2);
            return parts.length == 2 ? new Basic(parts[0], parts[1]) : NONE;
        } catch (IllegalArgumentException e) {
            return NONE;
        }
    }

    /** Not the password. */
    @Override
    public String toString() {
        return "Basic of " + role;
    }
}
