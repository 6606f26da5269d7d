package dev.perdure.step.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.perdure.flow.template.HttpRequest;
import dev.perdure.testing.HttpService;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** One request and what becomes of its answer, over real sockets. */
class HttpStepTest {

    private static HttpService service;
    private static Caller caller;

    @BeforeAll
    static void begin() {
        service = new HttpService();
        caller = new Caller(EgressMode.LISTED, "127.0.0.0/8");
    }

    @AfterAll
    static void end() {
        caller.close();
        service.close();
    }

    @Test
    void the_envelope_holds_status_body_headers_and_duration() {
        service.on("/plain", (exchange, request) -> {
            exchange.getResponseHeaders().add("X-Twice", "first");
            exchange.getResponseHeaders().add("X-Twice", "last");
            HttpService.respond(exchange, 201, "application/json; charset=utf-8", "{\"a\": 1}");
        });

        var envelope = caller.envelope(Caller.post(service.url("/plain"), "hällo", Map.of("X-Own", "ü")));

        assertThat(envelope.path("status").intValue()).isEqualTo(201);
        assertThat(envelope.path("body").textValue()).isEqualTo("{\"a\": 1}");
        assertThat(envelope.path("encoding").textValue()).isEqualTo("text");
        assertThat(envelope.path("ok").booleanValue()).isTrue();
        assertThat(envelope.path("headers").path("content-type").textValue()).startsWith("application/json");
        assertThat(envelope.path("headers").path("x-twice").textValue()).isEqualTo("last");
        assertThat(envelope.path("duration_ms").isIntegralNumber()).isTrue();
        assertThat(envelope.size()).isEqualTo(6);
        var received = service.received("/plain").get(0);
        assertThat(received.method()).isEqualTo("POST");
        assertThat(received.body()).isEqualTo("hällo");
        assertThat(received.headers())
                .containsEntry("idempotency-key", Caller.KEY)
                .containsEntry("user-agent", "perdure/test")
                .containsEntry("accept", "*/*")
                .containsEntry("accept-encoding", "gzip, deflate")
                .containsEntry("x-own", new String("ü".getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1))
                .doesNotContainKey("content-type");
    }

    @Test
    void own_headers_win_over_those_that_are_added() {
        caller.envelope(Caller.post(
                service.url("/own"),
                null,
                Map.of("idempotency-key", "mine", "USER-AGENT", "me", "Accept", "text/csv")));

        assertThat(service.received("/own").get(0).headers())
                .containsEntry("idempotency-key", "mine")
                .containsEntry("user-agent", "me")
                .containsEntry("accept", "text/csv")
                .containsEntry("content-length", "0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET", "POST", "PUT", "DELETE", "PATCH"})
    void a_body_is_sent_with_every_method(String method) {
        caller.envelope(new HttpRequest.Plain(service.url("/" + method), method, "body", Map.of(), 30));

        var received = service.received("/" + method).get(0);
        assertThat(received.method()).isEqualTo(method);
        assertThat(received.body()).isEqualTo("body");
    }

    @ParameterizedTest
    @CsvSource({
        "text/plain; charset=latin1, gültig, text",
        "application/problem+json, {}, text",
        "image/svg+xml, <svg/>, text",
        "application/octet-stream, plain words, text",
        "'', plain words, text"
    })
    void a_body_is_text_by_its_type_or_by_its_bytes(String type, String body, String encoding) {
        service.on("/typed", 200, type, body);

        var envelope = caller.envelope(Caller.get(service.url("/typed")));

        assertThat(envelope.path("encoding").textValue()).isEqualTo(encoding);
        assertThat(envelope.path("body").textValue()).isEqualTo(body);
    }

    @ParameterizedTest
    @CsvSource({"image/png, 0xff 0x00", "application/octet-stream, 0xc3 0x28", "text/plain, 0x41 0x00", "'', 0x00"})
    void other_bodies_are_base64(String type, String bytes) {
        byte[] body = bytes(bytes);
        service.on("/binary", (exchange, request) -> HttpService.respond(exchange, 200, type, body));

        var envelope = caller.envelope(Caller.get(service.url("/binary")));

        assertThat(envelope.path("encoding").textValue()).isEqualTo("base64");
        assertThat(Base64.getDecoder().decode(envelope.path("body").textValue()))
                .isEqualTo(body);
    }

    @Test
    void a_declared_text_that_is_not_utf8_is_decoded_with_replacement_characters() {
        service.on(
                "/broken", (exchange, request) -> HttpService.respond(exchange, 200, "text/plain", bytes("0x61 0xff")));

        assertThat(caller.envelope(Caller.get(service.url("/broken")))
                        .path("body")
                        .textValue())
                .isEqualTo("a\ufffd");
    }

    @ParameterizedTest
    @CsvSource({
        "text/csv, text",
        "TEXT/Html; charset=x, text",
        "application/json, text",
        "application/JSON ; charset=utf-8, text",
        "application/xml, text",
        "application/javascript, text",
        "application/ecmascript, text",
        "application/x-www-form-urlencoded, text",
        "application/graphql, text",
        "application/yaml, text",
        "application/x-yaml, text",
        "application/vnd.api+json, text",
        "image/svg+xml, text",
        "application/vnd.oai.openapi+yaml, text",
        "application/pdf, base64",
        "application/jsonp, base64",
        "application/octet-stream, base64",
        "texts/plain, base64",
        "'', base64"
    })
    void what_a_type_declares_decides_about_a_body_that_is_not_utf8(String type, String encoding) {
        byte[] body = bytes("0x61 0xff");
        service.on("/declared", (exchange, request) -> HttpService.respond(exchange, 200, type, body));

        var envelope = caller.envelope(Caller.get(service.url("/declared")));

        assertThat(envelope.path("encoding").textValue()).isEqualTo(encoding);
        assertThat(envelope.path("body").textValue()).isEqualTo(encoding.equals("text") ? "a\ufffd" : "Yf8=");
    }

    @Test
    void a_compressed_body_is_decoded() {
        service.on("/zipped", (exchange, request) -> {
            exchange.getResponseHeaders().set("Content-Encoding", "gzip");
            HttpService.respond(exchange, 200, "text/plain", gzip("words ".repeat(100)));
        });

        var envelope = caller.envelope(Caller.get(service.url("/zipped")));

        assertThat(envelope.path("body").textValue()).isEqualTo("words ".repeat(100));
        assertThat(envelope.path("headers").has("content-encoding")).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {200, 204, 301, 304, 400, 404, 429, 499})
    void statuses_below_500_are_answers(int status) {
        service.on("/status", status, "text/plain", "");

        var envelope = caller.envelope(Caller.get(service.url("/status")));

        assertThat(envelope.path("status").intValue()).isEqualTo(status);
        assertThat(envelope.path("ok").booleanValue()).isEqualTo(status < 300);
    }

    @Test
    void a_status_from_500_on_fails_with_the_beginning_of_the_body() {
        service.on("/down", (exchange, request) -> {
            exchange.getResponseHeaders().set("Retry-After", "7");
            HttpService.respond(exchange, 503, "text/plain", "ä".repeat(300));
        });

        HttpStepException failure = caller.failure(Caller.get(service.url("/down")));

        assertThat(failure)
                .hasMessage("HTTP GET " + service.url("/down") + " returned 503: " + "ä".repeat(256)
                        + "... [truncated, 600 bytes total]");
        assertThat(failure.status()).isEqualTo(503);
        assertThat(failure.retryAfter()).isEqualTo("7");
        assertThat(failure.outcome().label()).isEqualTo("5xx");
    }

    @Test
    void the_beginning_of_a_binary_body_is_counted_in_base64_characters() {
        byte[] body = new byte[600];
        Arrays.fill(body, (byte) 0xff);
        service.on("/broken-image", (exchange, request) -> HttpService.respond(exchange, 500, "image/png", body));
        HttpRequest upload = new HttpRequest.Multipart(
                service.url("/broken-image"), "PUT", List.of(new HttpRequest.Part("a", null, null, "")), Map.of(), 30);

        assertThat(caller.failure(upload))
                .hasMessage("HTTP_MULTIPART PUT " + service.url("/broken-image") + " returned 500: " + "/".repeat(512)
                        + "... [truncated, 800 base64 characters total]");
    }

    @Test
    void a_preview_of_exactly_512_bytes_is_whole() {
        service.on("/exactly", 500, "text/plain", "x".repeat(512));

        assertThat(caller.failure(Caller.get(service.url("/exactly"))))
                .hasMessage("HTTP GET " + service.url("/exactly") + " returned 500: " + "x".repeat(512));
    }

    @Test
    void a_response_that_is_too_large_is_cut_off_while_it_arrives() throws IOException {
        // Without end: whoever reads it to its end never finishes.
        try (RawServer endless = new RawServer(socket -> {
            socket.getOutputStream().write(ascii("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
            while (true) {
                socket.getOutputStream().write(ascii("400\r\n" + "x".repeat(1024) + "\r\n"));
            }
        })) {
            HttpStepException failure = caller.failure(Caller.get(endless.url()));

            assertThat(failure.outcome()).isEqualTo(HttpOutcome.TOO_LARGE);
            assertThat(failure)
                    .hasMessageContaining("larger than 65536 bytes")
                    .hasMessageContaining("max-response-size");
        }
    }

    @Test
    void a_body_counts_as_it_is_stored() {
        // A byte 1 is six characters in JSON.
        service.on("/grows", 200, "text/plain", "\u0001".repeat(30_000));
        service.on("/quotes", 200, "application/json", "[" + "\"\",".repeat(20_000) + "1]");

        assertThat(caller.failure(Caller.get(service.url("/grows"))).outcome()).isEqualTo(HttpOutcome.TOO_LARGE);
        assertThat(caller.envelope(Caller.get(service.url("/quotes")))
                        .get("status")
                        .intValue())
                .isEqualTo(200);
    }

    @Test
    void an_answer_waits_where_it_arrives_until_there_is_memory_for_it() throws Exception {
        service.on("/large", 200, "text/plain", "x".repeat(60_000));
        AtomicLong taken = new AtomicLong();
        AtomicLong refused = new AtomicLong();
        AtomicLong limit = new AtomicLong(100_000);
        caller.memory = bytes -> {
            boolean isGranted = taken.addAndGet(bytes) < limit.get();
            if (!isGranted) {
                taken.addAndGet(-bytes);
                refused.incrementAndGet();
            }
            return isGranted;
        };

        Exchange exchange = caller.begin(Caller.get(service.url("/large")));
        await().untilAsserted(() -> assertThat(refused).hasValueGreaterThan(3));
        assertThat(exchange.answer().toCompletableFuture()).isNotDone();
        assertThat(taken).hasValueLessThan(100_000);

        limit.set(1_000_000);
        Answer answer = exchange.answer().toCompletableFuture().get(60, TimeUnit.SECONDS);
        assertThat(new ObjectMapper().readTree(answer.envelope()).get("body").textValue())
                .hasSize(60_000);
        assertThat(taken).hasValueGreaterThanOrEqualTo(180_000);
        caller.memory = bytes -> true;
    }

    @Test
    void an_answer_that_finds_no_memory_in_the_time_of_its_request_says_so() {
        service.on("/large", 200, "text/plain", "x".repeat(60_000));
        caller.memory = bytes -> false;

        HttpStepException failure =
                caller.failure(new HttpRequest.Plain(service.url("/large"), "GET", null, Map.of(), 1));
        assertThat(failure.outcome()).isEqualTo(HttpOutcome.NO_MEMORY);
        assertThat(failure)
                .hasMessageContaining("timeout after 1s")
                .hasMessageContaining("the response waited for memory");
        assertThat(failure.memoryWanted()).as("with which it can be read").isEqualTo(180_000);
        caller.memory = bytes -> true;
    }

    @Test
    void an_answer_that_can_never_have_its_memory_is_given_up_at_once() {
        service.on("/large", 200, "text/plain", "x".repeat(60_000));
        caller.memory = new AnswerMemory() {
            @Override
            public boolean take(long bytes) {
                return bytes <= most();
            }

            @Override
            public long most() {
                return 100_000;
            }
        };

        HttpStepException failure = caller.failure(Caller.get(service.url("/large")));
        assertThat(failure.outcome()).isEqualTo(HttpOutcome.NO_MEMORY);
        assertThat(failure).hasMessageContaining("needs more memory than one role can have (100000 bytes");
        assertThat(failure.memoryWanted()).as("another time it would end alike").isZero();
        caller.memory = bytes -> true;
    }

    @Test
    void what_a_small_compressed_body_becomes_counts() {
        service.on("/bomb", (exchange, request) -> {
            exchange.getResponseHeaders().set("Content-Encoding", "gzip");
            HttpService.respond(exchange, 200, "text/plain", gzip("\0".repeat(10_000_000)));
        });

        assertThat(caller.failure(Caller.get(service.url("/bomb"))).outcome()).isEqualTo(HttpOutcome.TOO_LARGE);
    }

    @Test
    void a_request_that_takes_too_long_times_out() throws IOException {
        try (RawServer silent = new RawServer(RawServer::awaitEnd)) {
            HttpRequest request = new HttpRequest.Plain(silent.url(), "GET", null, Map.of(), 1);

            assertThat(caller.failure(request)).hasMessage("HTTP timeout after 1s: " + silent.url());
            silent.awaitClosed();
        }
    }

    @Test
    void no_request_takes_longer_than_the_worker_allows() throws IOException {
        EgressPolicy policy = new EgressPolicy(EgressMode.PUBLIC, List.of("127.0.0.1"));
        try (RawServer silent = new RawServer(RawServer::awaitEnd);
                Caller hasty = new Caller(policy, 1024, Optional.empty(), Duration.ofSeconds(1))) {
            HttpRequest patient = new HttpRequest.Plain(silent.url(), "GET", null, Map.of(), Integer.MAX_VALUE);

            assertThat(hasty.failure(patient)).hasMessage("HTTP timeout after 1s: " + silent.url());
        }
    }

    @Test
    void a_body_that_never_ends_times_out_too() throws IOException {
        try (RawServer slow = new RawServer(socket -> {
            socket.getOutputStream().write(ascii("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"));
            RawServer.awaitEnd(socket);
        })) {
            HttpRequest request = new HttpRequest.Plain(slow.url(), "GET", null, Map.of(), 1);

            assertThat(caller.failure(request)).hasMessage("HTTP timeout after 1s: " + slow.url());
            slow.awaitClosed();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"100 Continue", "103 Early Hints"})
    void interim_responses_without_end_fail(String status) throws IOException {
        try (RawServer endless = new RawServer(socket -> {
            RawServer.readHead(socket);
            while (true) {
                socket.getOutputStream().write(ascii(("HTTP/1.1 " + status + "\r\n\r\n").repeat(100)));
            }
        })) {
            HttpRequest request = new HttpRequest.Plain(endless.url(), "GET", null, Map.of(), 10);

            assertThat(caller.failure(request)).hasMessageContaining("more than 20 interim responses");
            endless.awaitClosed();
        }
    }

    @Test
    void a_few_interim_responses_announce_the_response() throws IOException {
        try (RawServer hinting = new RawServer(socket -> {
            RawServer.readHead(socket);
            socket.getOutputStream()
                    .write(ascii("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(20)
                            + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
            RawServer.awaitEnd(socket);
        })) {
            assertThat(caller.envelope(Caller.get(hinting.url())).path("body").textValue())
                    .isEqualTo("ok");
        }
    }

    @Test
    void requests_of_a_step_apart_are_answered_on_its_own_thread_which_ends_with_it() throws Exception {
        service.on("/apart", (exchange, request) -> HttpService.respond(exchange, 200, "text/plain", "ok"));
        HttpStep apart = HttpStep.apart(
                caller.settings(), new EgressPolicy(EgressMode.LISTED, List.of("127.0.0.0/8")), caller.names);
        AtomicReference<Thread> thread = new AtomicReference<>();
        try {
            apart.send(Caller.get(service.url("/apart")), Caller.KEY, 1, caller.memory)
                    .answer()
                    .whenComplete((done, failure) -> thread.set(Thread.currentThread()));
            await().atMost(Duration.ofSeconds(60)).until(() -> thread.get() != null);
            assertThat(thread.get().getName()).startsWith("perdure-http");
        } finally {
            apart.close();
        }
        await().atMost(Duration.ofSeconds(60)).until(() -> !thread.get().isAlive());
    }

    @Test
    void a_body_that_breaks_off_fails() throws IOException {
        try (RawServer broken = new RawServer(
                socket -> socket.getOutputStream().write(ascii("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")))) {
            assertThat(caller.failure(Caller.get(broken.url())))
                    .hasMessage("Failed to read response body: the server closed the connection");
        }
    }

    @Test
    void a_cancelled_request_closes_its_connection() throws IOException {
        try (RawServer silent = new RawServer(RawServer::awaitEnd)) {
            Exchange exchange = caller.begin(Caller.get(silent.url()));
            silent.awaitConnected();

            exchange.cancel();

            assertThat(Caller.failure(exchange).outcome()).isEqualTo(HttpOutcome.CANCELED);
            silent.awaitClosed();
        }
    }

    @Test
    void nobody_listening_is_a_connection_failure() throws IOException {
        int port;
        try (ServerSocket unused = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = unused.getLocalPort();
        }
        String url = "http://localhost:" + port + "/";

        HttpStepException failure = caller.failure(Caller.get(url));

        assertThat(failure).hasMessage("HTTP connection failed: " + url + " - connection refused");
        assertThat(failure.outcome()).isEqualTo(HttpOutcome.CONNECTION_FAILED);
    }

    @Test
    void the_next_address_of_a_name_is_tried_when_the_first_does_not_answer() {
        service.on("/second", 200, "text/plain", "second");
        // The service listens on 127.0.0.1 only.
        caller.names.with("two.test", "127.0.0.2", "127.0.0.1");

        assertThat(caller.envelope(Caller.get("http://two.test:" + service.port() + "/second"))
                        .path("body")
                        .textValue())
                .isEqualTo("second");
    }

    @Test
    void a_name_without_an_address_is_a_connection_failure() {
        assertThat(caller.failure(Caller.get("http://nowhere.test/")))
                .hasMessage(
                        "HTTP connection failed: http://nowhere.test/ - the host 'nowhere.test' cannot be resolved");
    }

    @Test
    void what_is_not_http_fails() throws IOException {
        try (RawServer other =
                new RawServer(socket -> socket.getOutputStream().write(ascii("SSH-2.0-OpenSSH\r\n\r\n")))) {
            assertThat(caller.failure(Caller.get(other.url())).outcome()).isEqualTo(HttpOutcome.FAILED);
        }
    }

    @Test
    void a_connection_that_the_server_closed_while_it_was_idle_is_no_failure() throws IOException {
        AtomicInteger connections = new AtomicInteger();
        try (RawServer closing = new RawServer(socket -> {
            connections.incrementAndGet();
            RawServer.readHead(socket);
            socket.getOutputStream().write(ascii("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
            // Kept alive as far as the client knows; closed when the next request arrives.
            RawServer.readHead(socket);
        })) {
            for (int i = 0; i < 6; i++) {
                assertThat(caller.envelope(Caller.get(closing.url()))
                                .path("body")
                                .textValue())
                        .isEqualTo("ok");
            }
            assertThat(connections).hasValueGreaterThan(1);
        }
    }

    @Test
    void connections_that_the_server_closes_in_the_moment_in_which_they_are_used_again_are_no_failure()
            throws IOException {
        // Kept alive as far as the client knows, and closed at once: some are lost before anything is sent.
        try (RawServer closing = new RawServer(socket -> {
            RawServer.readHead(socket);
            socket.getOutputStream().write(ascii("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
        })) {
            for (int round = 0; round < 200; round++) {
                List<Exchange> together = new ArrayList<>();
                for (int i = 0; i < 16; i++) {
                    together.add(caller.begin(Caller.get(closing.url())));
                }
                for (Exchange exchange : together) {
                    assertThat(exchange.answer().toCompletableFuture().join().status())
                            .isEqualTo(200);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Host",
                "Content-Length",
                "Transfer-Encoding",
                "Connection",
                "TE",
                "Upgrade",
                "Proxy-Authorization"
            })
    void headers_of_the_connection_are_refused(String name) {
        assertThat(caller.failure(Caller.post(service.url("/refused"), "x", Map.of(name, "1"))))
                .hasMessageContaining("the header '" + name + "' is set by the worker itself");
        assertThat(service.received("/refused")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"a\r\nX-Injected: 1", "a\nb", "a\rb", "a\0b", "\u007f"})
    void values_of_headers_with_control_characters_are_refused(String value) {
        assertThat(caller.failure(Caller.post(service.url("/refused"), "x", Map.of("X-Value", value))))
                .hasMessageContaining("header 'X-Value'");
        assertThat(service.received("/refused")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "a:b", "a\r\nb", "ä", ":path"})
    void names_that_no_header_has_are_refused(String name) {
        assertThat(caller.failure(Caller.post(service.url("/refused"), "x", Map.of(name, "1"))))
                .hasMessageContaining("is not a header name");
    }

    @Test
    void a_multipart_body_is_encoded_as_browsers_do() {
        HttpRequest request = new HttpRequest.Multipart(
                service.url("/form"),
                "PUT",
                List.of(
                        new HttpRequest.Part("plain", null, null, "aGVs\n bG8="),
                        new HttpRequest.Part("quo\"ted\r\n", "a\"b.png", "image/png; q=1", "/wD+")),
                Map.of("Content-Type", "text/ignored"),
                30);

        caller.envelope(request);

        var received = service.received("/form").get(0);
        String type = String.valueOf(received.header("content-type"));
        assertThat(type).startsWith("multipart/form-data; boundary=");
        String boundary = type.substring(type.indexOf('=') + 1);
        assertThat(new String(received.bytes(), StandardCharsets.ISO_8859_1))
                .isEqualTo("--" + boundary + "\r\nContent-Disposition: form-data; name=\"plain\"\r\n\r\nhello\r\n--"
                        + boundary
                        + "\r\nContent-Disposition: form-data; name=\"quo%22ted%0D%0A\"; filename=\"a%22b.png\"\r\n"
                        + "Content-Type: image/png; q=1\r\n\r\n\u00ff\u0000\u00fe\r\n--" + boundary + "--\r\n");
    }

    @Test
    void parts_that_make_no_sense_are_refused() {
        assertThat(caller.failure(part("a", null, "not base64!")))
                .hasMessageStartingWith("Invalid base64 in part 'a': ");
        assertThat(caller.failure(part("b", "image/png\r\nX: 1", "aGk=")))
                .hasMessageStartingWith("Invalid content_type for part 'b': ");
    }

    @Test
    void methods_that_no_builder_makes_are_refused() {
        assertThat(caller.failure(new HttpRequest.Plain(service.url("/"), "get", null, Map.of(), 30)))
                .hasMessage("Unsupported HTTP method: get");
        assertThat(caller.failure(new HttpRequest.Multipart(service.url("/"), "GET", List.of(), Map.of(), 30)))
                .hasMessage("Unsupported HTTP method for multipart: GET");
    }

    @Test
    void a_path_is_sent_percent_encoded_and_without_its_fragment() {
        caller.envelope(Caller.get(service.url("/a b/ü?q={x}&r=%20#part")));

        assertThat(service.received()).anyMatch(request -> request.path().equals("/a%20b/%C3%BC?q=%7Bx%7D&r=%20"));
    }

    @Test
    void a_certificate_of_an_unknown_authority_is_refused_until_it_is_listed() throws Exception {
        try (TlsService tls = new TlsService();
                Caller trusting = new Caller(
                        new EgressPolicy(EgressMode.LISTED, List.of("localhost", "other.test")),
                        1000,
                        Optional.of(tls.certificate()))) {
            trusting.names.with("other.test", "127.0.0.1");

            assertThat(caller.failure(Caller.get(tls.url("localhost"))))
                    .hasMessageContaining("HTTP connection failed: " + tls.url("localhost") + " - TLS: ");
            assertThat(trusting.envelope(Caller.get(tls.url("localhost")))
                            .path("body")
                            .textValue())
                    .isEqualTo("over TLS");
            assertThat(trusting.failure(Caller.get(tls.url("other.test"))))
                    .as("the certificate is checked against the name, not the address")
                    .hasMessageContaining("TLS: ");
        }
    }

    private static HttpRequest part(String name, @org.jspecify.annotations.Nullable String type, String data) {
        return new HttpRequest.Multipart(
                service.url("/part"), "POST", List.of(new HttpRequest.Part(name, null, type, data)), Map.of(), 30);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] bytes(String hex) {
        String[] parts = hex.split(" ");
        byte[] bytes = new byte[parts.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = Integer.decode(parts[i]).byteValue();
        }
        return bytes;
    }

    private static byte[] gzip(String text) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream zip = new GZIPOutputStream(out)) {
            zip.write(text.getBytes(StandardCharsets.UTF_8));
        }
        return out.toByteArray();
    }
}
