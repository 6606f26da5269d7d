package dev.perdure.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.testing.DebianServer;
import dev.perdure.web.EventStream.Event;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Server-sent events: what has changed, for whoever may see it. */
class StreamsTest {

    private static final int MANY = 10_000;
    private static final int KEPT = 7_000;
    private static final int OF_LOGIN = 10;

    private static WebWorld world;

    @BeforeAll
    static void begin() {
        world = new WebWorld("live_ann", "live_bob");
    }

    @AfterAll
    static void end() {
        world.close();
    }

    @BeforeEach
    void later() {
        world.pass(Duration.ofMinutes(10));
    }

    private static EventStream follow(WebClient client, String path, String... headers) {
        List<String> all = new ArrayList<>(List.of(headers));
        all.add("Cookie: " + client.cookie);
        return new EventStream(world.port, path, all.toArray(String[]::new));
    }

    private static String start(WebClient client, String workflow) {
        return client.post("/instances", "{\"workflow\":\"" + workflow + "\"}")
                .body()
                .path("id")
                .asText();
    }

    @Test
    void a_start_and_an_end_are_told_and_those_of_others_are_not() {
        WebClient ann = world.loggedIn("live_ann");
        WebClient bob = world.loggedIn("live_bob");
        try (EventStream toAnn = follow(ann, "/changes");
                EventStream toBob = follow(bob, "/changes")) {
            assertThat(toAnn.await("worker").data().path("works").asBoolean()).isTrue();
            toBob.await("worker");

            String id = start(ann, "df.wait_for_signal('go')");
            toAnn.await(event -> event.data().toString().contains(id));
            ann.post("/instances/" + id + "/signal", "{\"name\":\"go\"}");
            Event ended = toAnn.awaitStatus(id, "completed");

            assertThat(ended.data().path("more").asBoolean(true)).isFalse();
            String ofBob = start(bob, "SELECT 1");
            Event first = toBob.awaitStatus(ofBob, "completed");
            assertThat(first.data().toString()).doesNotContain(id);
        }
    }

    @Test
    void whoever_was_away_hears_what_has_changed_since() {
        WebClient ann = world.loggedIn("live_ann");
        String cursor;
        String before = start(ann, "SELECT 1");
        try (EventStream stream = follow(ann, "/changes")) {
            cursor = stream.await("worker").id();
        }
        String id = start(ann, "SELECT 1");
        Awaitility.await().until(() -> ann.get("/instances/" + id)
                .body()
                .path("status")
                .asText()
                .equals("completed"));

        try (EventStream again = follow(ann, "/changes", "Last-Event-ID: " + cursor)) {
            again.awaitStatus(id, "completed");
        }
        try (EventStream again = follow(ann, "/changes?cursor=" + cursor)) {
            again.awaitStatus(id, "completed");
        }
        assertThat(before).isNotEqualTo(id);
    }

    @Test
    void an_instance_is_told_of_when_there_is_something_else_to_see() {
        WebClient ann = world.loggedIn("live_ann");
        String id = start(ann, "'SELECT 1' ~> df.wait_for_signal('one') ~> df.wait_for_signal('two')");
        String cursor;
        try (EventStream stream = follow(ann, "/instances/" + id + "/events")) {
            Awaitility.await().until(() -> ann.get("/instances/" + id).text().contains("one"));
            ann.post("/instances/" + id + "/signal", "{\"name\":\"one\"}");
            stream.await("changed");
            ann.post("/instances/" + id + "/cancel", "{}");
            cursor = stream.awaitStatus(id, "cancelled").id();
        }
        try (EventStream again = follow(ann, "/instances/" + id + "/events", "Last-Event-ID: " + cursor)) {
            assertThat(again.await("worker").data().path("works").asBoolean()).isTrue();
            assertThat(again.next(3)).isNull();
        }
    }

    @Test
    void an_instance_of_another_role_cannot_be_followed_and_nobody_follows_without_a_login() {
        String id = start(world.loggedIn("live_ann"), "df.wait_for_signal('go')");
        try (EventStream others = follow(world.loggedIn("live_bob"), "/instances/" + id + "/events");
                EventStream nobodys = follow(world.loggedIn("live_bob"), "/instances/01234567/events");
                EventStream nobody = new EventStream(world.port, "/changes");
                EventStream foreign = follow(world.loggedIn("live_bob"), "/changes", "Sec-Fetch-Site: cross-site");
                EventStream odd = follow(world.loggedIn("live_bob"), "/changes?cursor=1%27")) {
            assertThat(others.status()).isEqualTo(404);
            assertThat(nobodys.status()).isEqualTo(404);
            assertThat(nobody.status()).isEqualTo(401);
            assertThat(foreign.status()).isEqualTo(403);
            assertThat(odd.status()).isEqualTo(400);
        }
    }

    @Test
    void a_stream_ends_with_the_login() {
        WebClient ann = world.loggedIn("live_ann");
        try (EventStream stream = follow(ann, "/changes")) {
            stream.await("worker");
            ann.send("DELETE", "/session", null);

            stream.await("end");
        }
    }

    /** The login that opens them has ten; whoever else asks is answered meanwhile. */
    @Test
    void ten_thousand_streams_that_are_asked_for_do_not_hurt() {
        WebClient ann = world.loggedIn("live_ann");
        WebClient bob = world.loggedIn("live_bob");
        List<Socket> open = new ArrayList<>();
        byte[] request = ("GET /api/v1/changes HTTP/1.1\r\nHost: localhost\r\nCookie: " + ann.cookie + "\r\n\r\n")
                .getBytes(StandardCharsets.UTF_8);
        int accepted = 0;
        try {
            for (int i = 0; i < MANY; i++) {
                Socket socket = new Socket("127.0.0.1", world.port);
                open.add(socket);
                if (open.size() > KEPT && accepted == OF_LOGIN) {
                    // This process has both ends, and so many files.
                    open.remove(OF_LOGIN).close();
                }
                socket.getOutputStream().write(request);
                if (statusOf(socket) == 200) {
                    accepted++;
                }
            }
            long began = System.nanoTime();
            assertThat(bob.get("/instances").status()).isEqualTo(200);
            assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(2));
            try (EventStream other = follow(bob, "/changes")) {
                other.awaitStatus(start(bob, "SELECT 1"), "completed");
            }
            assertThat(accepted).isEqualTo(OF_LOGIN);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            open.forEach(StreamsTest::close);
        }
        Awaitility.await().untilAsserted(() -> {
            try (EventStream again = follow(ann, "/changes")) {
                assertThat(again.status()).isEqualTo(200);
            }
        });
    }

    private static int statusOf(Socket socket) throws IOException {
        InputStream in = socket.getInputStream();
        return Integer.parseInt(new String(in.readNBytes(12), StandardCharsets.UTF_8).split(" ")[1]);
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void a_client_with_a_password_follows_too() {
        String password = DebianServer.password("live_ann");
        String both =
                java.util.Base64.getEncoder().encodeToString(("live_ann:" + password).getBytes(StandardCharsets.UTF_8));
        try (EventStream stream = new EventStream(world.port, "/changes", "Authorization: Basic " + both)) {
            stream.awaitStatus(start(world.loggedIn("live_ann"), "SELECT 1"), "completed");
        }
    }
}
