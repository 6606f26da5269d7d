package dev.perdure.web;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Somebody who calls the API: with a cookie as a browser does, or with a password. */
final class WebClient {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private final int port;
    private final List<String> headers = new ArrayList<>();

    @Nullable String cookie;

    @Nullable String csrf;

    WebClient(int port) {
        this.port = port;
    }

    /** What was answered. */
    record Answer(int status, JsonNode body, String text, HttpResponse<String> response) {}

    WebClient with(String name, String value) {
        headers.add(name);
        headers.add(value);
        return this;
    }

    WebClient withPassword(String role, String password) {
        String both = Base64.getEncoder().encodeToString((role + ":" + password).getBytes(StandardCharsets.UTF_8));
        return with("Authorization", "Basic " + both);
    }

    /** Logs in by the form; keeps the cookie and the token. */
    Answer login(String role, String password) {
        Answer answer = post(
                "/session",
                JSON.createObjectNode()
                        .put("role", role)
                        .put("password", password)
                        .toString());
        if (answer.status() == 200) {
            cookie = answer.response()
                    .headers()
                    .firstValue("Set-Cookie")
                    .orElseThrow()
                    .split(";", 2)[0];
            csrf = answer.body().path("csrf").asText();
        }
        return answer;
    }

    Answer get(String path) {
        return send("GET", path, null);
    }

    Answer post(String path, String body) {
        return send("POST", path, body);
    }

    Answer send(String method, String path, @Nullable String body) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(
                        "http://127.0.0.1:" + port + (path.startsWith("//") ? path.substring(1) : "/api/v1" + path)))
                .timeout(Duration.ofSeconds(30))
                .method(
                        method,
                        body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body));
        if (body != null && !headers.contains("Content-Type")) {
            request.header("Content-Type", "application/json");
        }
        if (cookie != null) {
            request.header("Cookie", cookie);
        }
        if (csrf != null) {
            request.header("X-CSRF-Token", csrf);
        }
        if (!headers.isEmpty()) {
            request.headers(headers.toArray(String[]::new));
        }
        try {
            HttpResponse<String> response = HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
            String type = response.headers().firstValue("Content-Type").orElse("");
            return new Answer(
                    response.statusCode(),
                    type.contains("json") ? JSON.readTree(response.body()) : JSON.missingNode(),
                    response.body(),
                    response);
        } catch (IOException e) {
            throw new IllegalStateException(method + " " + path, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
