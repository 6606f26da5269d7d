package dev.perdure.ops;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.perdure.engine.telemetry.InstanceOrigin;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import dev.perdure.testing.WorkerProcess;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.HexFormat;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A worker process that sends its traces by OTLP, and its successor after a crash. */
class TracesIT {

    private static final String USER = "otlp";

    private final ByteArrayOutputStream received = new ByteArrayOutputStream();
    private HttpServer collector;

    TracesIT() throws IOException {
        collector = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    }

    @BeforeEach
    void collect() {
        collector.createContext("/v1/traces", exchange -> {
            byte[] body = exchange.getRequestBody().readAllBytes();
            synchronized (received) {
                received.write(body);
            }
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        collector.start();
    }

    @AfterEach
    void stop() {
        collector.stop(0);
    }

    private WorkerProcess worker(TestDatabase database) {
        return WorkerProcess.start(
                database.url(),
                "quarkus.otel.sdk.disabled=false",
                "quarkus.otel.exporter.otlp.protocol=http/protobuf",
                "quarkus.otel.exporter.otlp.endpoint=http://127.0.0.1:"
                        + collector.getAddress().getPort(),
                "quarkus.otel.bsp.schedule.delay=100ms");
    }

    /** How often something was received: texts and ids are verbatim in protobuf. */
    private int count(byte[] what) {
        String all;
        synchronized (received) {
            all = received.toString(StandardCharsets.ISO_8859_1);
        }
        return all.split(java.util.regex.Pattern.quote(new String(what, StandardCharsets.ISO_8859_1)), -1).length - 1;
    }

    private void await(String what, byte[] bytes, int atLeast) {
        Awaitility.await(what).atMost(Duration.ofSeconds(60)).until(() -> count(bytes) >= atLeast);
    }

    @Test
    void both_workers_of_an_instance_send_spans_of_the_same_trace() throws SQLException {
        TestDatabase database = PostgresServer.get().newDatabase();
        database.createUser(USER);
        database.execute(USER, "CREATE TABLE gate (open boolean); INSERT INTO gate VALUES (false)");
        String id;
        byte[] trace;
        try (WorkerProcess first = worker(database).awaitLeader()) {
            id = Objects.requireNonNull(database.value(
                    USER, "SELECT df.start(df.loop('SELECT 2', 'SELECT NOT open FROM gate'), 'traced')"));
            trace = HexFormat.of().parseHex(TraceIds.of(origin(database, id)).trace());
            await("a span of the first worker", trace, 1);
            first.kill();
        }
        int sent = count(trace);
        database.execute(USER, "UPDATE gate SET open = true");
        try (WorkerProcess second = worker(database)) {
            second.awaitLeader();
            assertThat(database.value(USER, "SELECT df.await_instance(?, 60)", id))
                    .isEqualTo("completed");
            await("spans of the second worker", trace, sent + 2);
            await("the span of the instance", "workflow".getBytes(StandardCharsets.UTF_8), 1);
        }
        assertThat(count(id.getBytes(StandardCharsets.UTF_8))).isGreaterThan(2);
        assertThat(count("gate".getBytes(StandardCharsets.UTF_8)))
                .as("statements")
                .isZero();
    }

    private static InstanceOrigin origin(TestDatabase database, String id) throws SQLException {
        try (Connection connection = database.connect(USER);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT created_at FROM df.instances WHERE id = '" + id + "'")) {
            row.next();
            return new InstanceOrigin(
                    id, "traced", USER, row.getObject(1, OffsetDateTime.class).toInstant());
        }
    }
}
