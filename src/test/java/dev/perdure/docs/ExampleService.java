package dev.perdure.docs;

import dev.perdure.testing.HttpService;

/**
 * The service behind the examples that call {@code http://localhost:8080}: {@code GET /rates/EUR} and {@code POST /embed}
 * answer JSON, {@code POST /files} takes anything, {@code GET /down} answers 503.
 */
final class ExampleService implements AutoCloseable {

    private final HttpService service = new HttpService()
            .on("/rates/EUR", 200, "application/json", "{\"currency\": \"EUR\", \"rate\": 1.08}")
            .on("/embed", 200, "application/json", "{\"embedding\": [0.25, 0.5, 0.125]}")
            .on("/files", 201, "application/json", "{\"id\": 1}")
            .on("/down", 503, "text/plain", "try again later");

    /** What a worker's {@code perdure.http.allow} must list. */
    String authority() {
        return "localhost:" + service.port();
    }

    /** An example with the service's real port. */
    String inPlaceOfLocalhost(String sql) {
        return sql.replace("localhost:8080", authority());
    }

    @Override
    public void close() {
        service.close();
    }
}
