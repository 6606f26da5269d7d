package dev.perdure.step.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.HttpService;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Ways to reach what must not be reached. The service that listens on the loopback address stands for everything inside; it
 * must never hear of any of them.
 */
class EgressAttacksTest {

    private static HttpService inside;
    private static Caller caller;

    @BeforeAll
    static void begin() {
        inside = new HttpService();
        caller = new Caller(EgressMode.PUBLIC, "listed.test", "*.wild.test");
        caller.names
                .with("rebound.test", "127.0.0.1")
                .with("rebound6.test", "::1")
                .with("mapped.test", "::ffff:127.0.0.1")
                .with("metadata.google.internal", "169.254.169.254")
                .with("link-local.test", "fe80::1")
                .with("unique-local.test", "fd12:3456::1")
                .with("cgnat.test", "100.64.0.1")
                .with("nat64.test", "64:ff9b::7f00:1")
                .with("nat64-private.test", "64:ff9b::a00:1")
                .with("sixtofour.test", "2002:7f00:1::1")
                .with("teredo.test", "2001:0:4136:e378:8000:63bf:80ff:fffe")
                .with("isatap.test", "2600:1f18::5efe:127.0.0.1")
                .with("isatap-private.test", "2600:1f18::200:5efe:10.0.0.1")
                .with("compatible.test", "::127.0.0.1")
                .with("translated.test", "::ffff:0:127.0.0.1")
                .with("several.test", "10.0.0.1", "192.168.7.7", "172.16.0.1", "127.0.0.1")
                .with("listed.test", "169.254.169.254")
                .with("evil.wild.test", "169.254.169.254", "fd00:ec2::254");
    }

    @AfterAll
    static void end() {
        caller.close();
        inside.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                // The plain forms.
                "http://127.0.0.1:PORT/",
                "http://127.1.2.3:PORT/",
                "http://localhost:PORT/",
                "http://LOCALHOST:PORT/",
                "http://localhost.:PORT/",
                "http://[::1]:PORT/",
                "http://0.0.0.0:PORT/",
                "http://[::]:PORT/",
                "http://10.0.0.1/",
                "http://172.16.0.1/",
                "http://172.31.255.255/",
                "http://192.168.0.1/",
                "http://100.64.0.1/",
                "http://169.254.169.254/latest/meta-data/",
                "http://[fd00:ec2::254]/latest/meta-data/",
                "http://[fd20:ce::254]/",
                "http://100.100.100.200/",
                "http://192.0.0.192/",
                "http://168.63.129.16/",
                "http://[fe80::1]/",
                "http://[fc00::1]/",
                "http://224.0.0.1/",
                "http://[ff02::1]/",
                "http://240.0.0.1/",
                "http://255.255.255.255/",
                "http://198.18.0.1/",
                // IPv4 in IPv6.
                "http://[::ffff:127.0.0.1]:PORT/",
                "http://[::ffff:7f00:1]:PORT/",
                "http://[::127.0.0.1]:PORT/",
                "http://[::ffff:0:127.0.0.1]:PORT/",
                "http://[64:ff9b::7f00:1]:PORT/",
                "http://[64:ff9b:1::7f00:1]:PORT/",
                "http://[2002:7f00:1::]:PORT/",
                "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]:PORT/",
                "http://[2600:1f18::5efe:127.0.0.1]:PORT/",
                // Names under somebody else's control.
                "http://rebound.test:PORT/",
                "http://REBOUND.test:PORT/",
                "http://rebound.test.:PORT/",
                "http://rebound6.test:PORT/",
                "http://mapped.test:PORT/",
                "http://metadata.google.internal/computeMetadata/v1/",
                "http://link-local.test/",
                "http://unique-local.test/",
                "http://cgnat.test/",
                "http://nat64.test/",
                "http://nat64-private.test/",
                "http://sixtofour.test/",
                "http://teredo.test/",
                "http://isatap.test/",
                "http://isatap-private.test/",
                "http://compatible.test/",
                "http://translated.test/",
                "http://several.test:PORT/",
                // A listed name opens private addresses to its owner, never those of metadata.
                "http://listed.test/",
                "http://evil.wild.test/",
                // Letters and points that are read as others.
                "http://①②⑦.⓪.⓪.①:PORT/",
                "http://127。0。0。1:PORT/",
                "http://ｌｏｃａｌｈｏｓｔ:PORT/"
            })
    void an_address_inside_is_blocked(String url) {
        HttpStepException failure = caller.failure(Caller.get(url.replace("PORT", "" + inside.port())));

        assertThat(failure.outcome()).isEqualTo(HttpOutcome.BLOCKED);
        assertThat(failure).hasMessageContaining("Blocked: the resolved IP address for '");
        assertThat(failure).hasMessageContaining("perdure.http.allow");
        assertThat(inside.received()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                // Numbers that some programs take for addresses.
                "http://2130706433:PORT/",
                "http://0x7f000001:PORT/",
                "http://017700000001:PORT/",
                "http://0x7f.0.0.1:PORT/",
                "http://0177.0.0.1:PORT/",
                "http://127.0.0.01:PORT/",
                "http://127.1:PORT/",
                "http://127.0.1:PORT/",
                "http://127.0.0.1.1:PORT/",
                "http://256.0.0.1:PORT/",
                "http://4294967297:PORT/",
                "http://0x:PORT/",
                // Whose host is it?
                "http://example.org@127.0.0.1:PORT/",
                "http://127.0.0.1:PORT@example.org/",
                "http://user:secret@localhost:PORT/",
                "http://example.org\\@127.0.0.1:PORT/",
                "http://127.0.0.1:PORT\\.example.org/",
                "http://127.0.0.1%2f.example.org:PORT/",
                "http://%31%32%37.0.0.1:PORT/",
                "http://localhost%00.example.org:PORT/",
                "http://localhost\u0000.example.org:PORT/",
                "http://local host:PORT/",
                "http://localhost\t:PORT/",
                "http://localhost:PORT:80/",
                "http://localhost:PORTPORT/",
                "http://localhost:+PORT/",
                "http://localhost:0/",
                "http://localhost:65536/",
                "http://localhost:-1/",
                "http://[::1%25lo]:PORT/",
                "http://[fe80::1%25eth0]/",
                "http://[127.0.0.1]:PORT/",
                "http://[::1:PORT/",
                "http://::1:PORT/",
                "http://[::1]x:PORT/",
                "http://[::1].example.org:PORT/",
                "http://local_host..test:PORT/",
                "http://.localhost:PORT/",
                "http://-localhost:PORT/",
                "http://faß.test:PORT/",
                "http://local\u200dhost:PORT/",
                "http://local\u00adhost@x:PORT/",
                // A second request in the first.
                "http://localhost:PORT/ HTTP/1.1\r\nHost: evil\r\n\r\nGET /",
                "http://localhost:PORT/\r\nX-Injected: 1",
                "http://localhost:PORT/\n"
            })
    void a_url_that_can_be_read_in_two_ways_is_refused(String url) {
        HttpStepException failure = caller.failure(Caller.get(url.replace("PORT", "" + inside.port())));

        assertThat(failure.outcome()).isEqualTo(HttpOutcome.INVALID);
        assertThat(inside.received()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "file:///etc/passwd, file",
        "ftp://localhost/, ftp",
        "gopher://localhost:70/_x, gopher",
        "jar:http://localhost!/, jar:http",
        "javascript:alert(1), javascript:alert(1)",
        "//localhost/, //localhost/",
        "localhost, localhost",
        "unix:///var/run/docker.sock, unix"
    })
    void schemes_other_than_http_are_blocked(String url, String scheme) {
        HttpStepException failure = caller.failure(Caller.get(url));

        assertThat(failure)
                .hasMessage("Blocked: unsupported URL scheme '" + scheme + "'. Only http and https are allowed.");
    }

    @ParameterizedTest
    @ValueSource(ints = {22, 25, 6667, 2049, 6000})
    void ports_of_other_protocols_are_blocked(int port) {
        assertThat(caller.failure(Caller.get("http://example.org:" + port + "/")))
                .hasMessageContaining("Blocked: port " + port + " is not for HTTP");
    }

    @Test
    void a_name_with_public_and_private_addresses_is_called_at_the_public_ones_only() throws Exception {
        EgressPolicy policy = new EgressPolicy(EgressMode.PUBLIC, List.of());
        Target target = TargetParser.parse("http://mixed.test/");
        var open = AddressRange.address("93.184.215.14");
        var closed = AddressRange.address("127.0.0.1");

        assertThat(policy.permitted(target, List.of(closed, open, closed))).containsExactly(open);
    }

    @Test
    void a_redirect_to_an_address_inside_is_an_answer_and_not_followed() {
        try (HttpService outside = new HttpService();
                Caller allowed = new Caller(EgressMode.LISTED, "localhost:" + outside.port())) {
            outside.on("/away", (exchange, request) -> {
                exchange.getResponseHeaders().set("Location", "http://127.0.0.1:" + inside.port() + "/");
                HttpService.respond(exchange, 302, null, "");
            });

            var envelope = allowed.envelope(Caller.get(outside.url("/away")));

            assertThat(envelope.path("status").intValue()).isEqualTo(302);
            assertThat(envelope.path("headers").path("location").textValue()).contains("127.0.0.1");
            assertThat(inside.received()).isEmpty();
        }
    }

    @Test
    void a_name_is_resolved_once_and_the_connection_goes_to_that_address() {
        try (HttpService listed = new HttpService();
                Caller allowed = new Caller(EgressMode.LISTED, "once.test")) {
            listed.on("/", 200, "text/plain", "here");
            // The system's resolver knows no such name: only the address that was checked leads there.
            allowed.names.with("once.test", "127.0.0.1");

            var envelope = allowed.envelope(Caller.get("http://once.test:" + listed.port() + "/"));

            assertThat(envelope.path("body").textValue()).isEqualTo("here");
            assertThat(listed.received().get(0).header("host")).isEqualTo("once.test:" + listed.port());
            assertThat(allowed.names.asked).containsExactly("once.test");
        }
    }

    @Test
    void proxies_of_the_environment_are_not_asked() {
        try (HttpService proxy = new HttpService();
                HttpService service = new HttpService();
                Caller allowed = new Caller(EgressMode.PUBLIC, "localhost")) {
            service.on("/", 200, "text/plain", "direct");
            System.setProperty("http.proxyHost", "127.0.0.1");
            System.setProperty("http.proxyPort", "" + proxy.port());
            System.setProperty("http.nonProxyHosts", "");
            try {
                assertThat(allowed.envelope(Caller.get(service.url("/")))
                                .path("body")
                                .textValue())
                        .isEqualTo("direct");
                assertThat(proxy.received()).isEmpty();
            } finally {
                System.clearProperty("http.proxyHost");
                System.clearProperty("http.proxyPort");
                System.clearProperty("http.nonProxyHosts");
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        // entry, URL, whether it is called
        "localhost:PORT, http://localhost:PORT/, true",
        "LocalHost., http://localhost:PORT/, true",
        "localhost:1, http://localhost:PORT/, false",
        "*.test, http://a.b.test:PORT/, true",
        "*.test, http://test:PORT/, false",
        "*.test, http://atest:PORT/, false",
        "127.0.0.1, http://127.0.0.1:PORT/, true",
        "127.0.0.1:PORT, http://127.0.0.1:PORT/, true",
        "127.0.0.0/8, http://localhost:PORT/, true",
        "127.0.0.0/8:PORT, http://a.b.test:PORT/, true",
        "127.0.0.0/8:1, http://localhost:PORT/, false",
        "127.0.0.2, http://localhost:PORT/, false",
        "10.0.0.0/8, http://localhost:PORT/, false",
        "localhost, http://127.0.0.1:PORT/, false",
        "::ffff:127.0.0.1, http://127.0.0.1:PORT/, true"
    })
    void in_the_mode_listed_only_what_an_entry_names_is_called(String entry, String url, boolean called) {
        try (HttpService service = new HttpService();
                Caller listed = new Caller(EgressMode.LISTED, entry.replace("PORT", "" + service.port()))) {
            service.on("/", 200, "text/plain", "here");
            listed.names
                    .with("a.b.test", "127.0.0.1")
                    .with("atest", "127.0.0.1")
                    .with("test", "127.0.0.1");
            var request = Caller.get(url.replace("PORT", "" + service.port()));

            if (called) {
                assertThat(listed.envelope(request).path("status").intValue()).isEqualTo(200);
            } else {
                assertThat(listed.failure(request)).hasMessageStartingWith("Blocked: ");
                assertThat(service.received()).isEmpty();
            }
        }
    }

    @Test
    void in_the_mode_off_nothing_is_called_and_no_name_is_looked_up() {
        try (Caller off = new Caller(EgressMode.OFF, "localhost")) {
            assertThat(off.failure(Caller.get("http://localhost:" + inside.port() + "/")))
                    .hasMessageContaining("Blocked: outbound HTTP requests are disabled.")
                    .hasMessageContaining("perdure.http.egress");
            assertThat(off.names.asked).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "*",
                "http://x",
                "x/y",
                "10.0.0.0/33",
                "0x7f.1",
                "a b",
                "host:99999",
                "*.*.x",
                "[::1",
                "2130706433"
            })
    void an_entry_that_cannot_be_read_is_an_error(String entry) {
        org.assertj.core.api.Assertions.assertThatThrownBy(
                        () -> new EgressPolicy(EgressMode.LISTED, List.of("fine.test", entry)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("perdure.http.allow: '" + entry + "'");
    }
}
