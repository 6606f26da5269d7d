package dev.perdure.web;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** An open stream of server-sent events, as a browser reads it. */
final class EventStream implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();
    /** Behind a reading that took long, on a busy machine, a stream pauses for up to a minute. */
    private static final int PATIENCE_SECONDS = 90;

    private final Socket socket;
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final int status;

    /** One event; {@code end} when the stream has ended. */
    record Event(String name, String id, JsonNode data) {}

    EventStream(int port, String path, String... headers) {
        try {
            socket = new Socket("127.0.0.1", port);
            StringBuilder request = new StringBuilder("GET /api/v1" + path + " HTTP/1.1\r\nHost: localhost:" + port);
            for (String header : headers) {
                request.append("\r\n").append(header);
            }
            socket.getOutputStream().write(request.append("\r\n\r\n").toString().getBytes(StandardCharsets.UTF_8));
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            status = Integer.parseInt(in.readLine().split(" ")[1]);
            if (status == 200) {
                Thread reader = new Thread(() -> read(in), "stream");
                reader.setDaemon(true);
                reader.start();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    int status() {
        return status;
    }

    private void read(BufferedReader in) {
        String name = "";
        String id = "";
        String data = "";
        try {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                if (line.startsWith("event: ")) {
                    name = line.substring(7);
                } else if (line.startsWith("id: ")) {
                    id = line.substring(4);
                } else if (line.startsWith("data: ")) {
                    data = line.substring(6);
                } else if (line.isEmpty() && !data.isEmpty()) {
                    events.add(new Event(name, id, JSON.readTree(data)));
                    data = "";
                } else if (line.equals("0")) {
                    break;
                }
            }
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        } catch (IOException e) {
            // Closed, by one of us.
        }
        events.add(new Event("end", id, JSON.createObjectNode()));
    }

    /** The next event that is meant; those before it are passed over. */
    Event await(Predicate<Event> meant) {
        Event event;
        do {
            event = next(PATIENCE_SECONDS);
            if (event == null) {
                throw new AssertionError("No such event came");
            }
        } while (!meant.test(event));
        return event;
    }

    Event await(String name) {
        return await(event -> event.name().equals(name));
    }

    /** Waits until somebody says of an instance that it has this status. */
    Event awaitStatus(String instance, String wanted) {
        return await(event -> {
            for (JsonNode each : event.data().path("instances")) {
                if (each.path("id").asText().equals(instance)
                        && each.path("status").asText().equals(wanted)) {
                    return true;
                }
            }
            return false;
        });
    }

    @Nullable Event next(int seconds) {
        try {
            return events.poll(seconds, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
