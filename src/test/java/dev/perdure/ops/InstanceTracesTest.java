package dev.perdure.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.perdure.engine.InProcessWorker;
import dev.perdure.engine.telemetry.InstanceOrigin;
import dev.perdure.testing.PostgresServer;
import dev.perdure.testing.TestDatabase;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.SpanId;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What OpenTelemetry is told of a worker that executes. */
class InstanceTracesTest {

    private static final String ROLE = "traced";

    private final TestDatabase database = PostgresServer.get().newDatabase();
    private final InMemorySpanExporter exporter = InMemorySpanExporter.create();
    private final SdkTracerProvider provider = SdkTracerProvider.builder()
            .setIdGenerator(new TraceIds())
            .addSpanProcessor(SimpleSpanProcessor.create(exporter))
            .build();
    private final InProcessWorker worker;

    InstanceTracesTest() throws SQLException {
        database.createUser(ROLE);
        worker = InProcessWorker.start(database.url(), Map.of());
    }

    @AfterEach
    void end() {
        worker.close();
        provider.close();
    }

    private void trace(boolean statements) {
        worker.observe(new InstanceTraces("default", provider.get("perdure"), statements));
    }

    private String start(String expression) throws SQLException {
        return Objects.requireNonNull(database.value(ROLE, "SELECT df.start(" + expression + ")"));
    }

    /** All spans of an instance, once its own has been written. */
    private List<SpanData> spansOf(String id) {
        return Awaitility.await("the spans of " + id)
                .pollInterval(Duration.ofMillis(5))
                .until(
                        () -> exporter.getFinishedSpanItems().stream()
                                .filter(span -> id.equals(text(span, "perdure.instance.id")))
                                .toList(),
                        spans -> spans.stream().anyMatch(span -> span.getName().equals("workflow")));
    }

    private static SpanData root(List<SpanData> spans) {
        List<SpanData> roots = spans.stream()
                .filter(span -> !SpanId.isValid(span.getParentSpanId()))
                .toList();
        assertThat(roots).hasSize(1);
        return roots.get(0);
    }

    private static List<SpanData> steps(List<SpanData> spans) {
        return spans.stream()
                .filter(span -> SpanId.isValid(span.getParentSpanId()))
                .toList();
    }

    private static String text(SpanData span, String key) {
        return String.valueOf(span.getAttributes().get(AttributeKey.stringKey(key)));
    }

    @Test
    void an_instance_is_one_trace_with_one_span_for_each_step() throws SQLException {
        trace(false);

        String id = start("'SELECT 1' ~> 'SELECT 2', 'nightly'");
        List<SpanData> spans = spansOf(id);

        SpanData root = root(spans);
        assertThat(root.getName()).isEqualTo("workflow");
        assertThat(text(root, "perdure.status")).isEqualTo("completed");
        assertThat(root.getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);
        assertThat(steps(spans)).hasSize(2).allSatisfy(step -> {
            assertThat(step.getTraceId()).isEqualTo(root.getTraceId());
            assertThat(step.getParentSpanId()).isEqualTo(root.getSpanId());
            assertThat(step.getName()).isEqualTo("step SQL");
            assertThat(text(step, "perdure.label")).isEqualTo("nightly");
            assertThat(text(step, "perdure.role")).isEqualTo(ROLE);
            assertThat(text(step, "perdure.outcome")).isEqualTo("completed");
            assertThat(step.getAttributes().get(AttributeKey.longKey("perdure.attempt")))
                    .isEqualTo(1);
            assertThat(step.getStartEpochNanos()).isBetween(root.getStartEpochNanos(), root.getEndEpochNanos());
        });
        assertThat(database.rows(PostgresServer.OWNER, "SELECT id FROM df.nodes WHERE node_type = 'SQL'"))
                .extracting(row -> row.get(0))
                .containsExactlyInAnyOrderElementsOf(steps(spans).stream()
                        .map(step -> text(step, "perdure.node.id"))
                        .toList());
    }

    @Test
    void a_trace_survives_the_loss_of_the_workers_memory() throws SQLException {
        trace(false);
        database.execute(ROLE, "CREATE TABLE gate (open boolean); INSERT INTO gate VALUES (false)");

        String id = start("'SELECT 1' ~> df.loop('SELECT 2', 'SELECT NOT open FROM gate')");
        Awaitility.await("a step of the first term")
                .until(() -> !exporter.getFinishedSpanItems().isEmpty());
        worker.loseMemory();
        database.execute(ROLE, "UPDATE gate SET open = true");
        List<SpanData> spans = spansOf(id);

        assertThat(spans)
                .extracting(SpanData::getTraceId)
                .containsOnly(root(spans).getTraceId());
        assertThat(steps(spans))
                .hasSizeGreaterThanOrEqualTo(3)
                .extracting(SpanData::getParentSpanId)
                .containsOnly(root(spans).getSpanId());
    }

    @Test
    void a_failed_step_is_an_error_without_its_text() throws SQLException {
        trace(false);

        List<SpanData> spans = spansOf(start("'SELECT 1 / 0 AS secret'"));

        assertThat(steps(spans)).singleElement().satisfies(step -> {
            assertThat(step.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
            assertThat(step.getStatus().getDescription()).isEmpty();
        });
        assertThat(root(spans).getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
        assertThat(spans.toString()).doesNotContain("secret", "division");
    }

    @Test
    void statements_and_errors_are_there_when_asked_for() throws SQLException {
        trace(true);

        List<SpanData> spans = spansOf(start("'SELECT 1 / 0 AS wanted'"));

        assertThat(steps(spans)).singleElement().satisfies(step -> {
            assertThat(text(step, "db.query.text")).isEqualTo("SELECT 1 / 0 AS wanted");
            assertThat(step.getStatus().getDescription()).contains("division by zero");
        });
    }

    @Test
    void a_step_that_is_tried_again_has_a_span_for_each_attempt() throws SQLException {
        trace(false);
        database.execute(
                ROLE,
                """
                CREATE SEQUENCE attempts;
                CREATE FUNCTION unlucky() RETURNS int LANGUAGE plpgsql AS $$
                BEGIN
                    IF nextval('attempts') < 3 THEN RAISE serialization_failure; END IF;
                    RETURN 1;
                END $$""");

        List<SpanData> spans = spansOf(start("'SELECT unlucky()'"));

        assertThat(steps(spans))
                .extracting(
                        step -> step.getAttributes().get(AttributeKey.longKey("perdure.attempt")),
                        step -> text(step, "perdure.outcome"))
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple(1L, "retried"),
                        org.assertj.core.groups.Tuple.tuple(2L, "retried"),
                        org.assertj.core.groups.Tuple.tuple(3L, "completed"));
    }

    @Test
    void the_id_of_a_trace_follows_from_the_instance_and_its_time() {
        Instant now = Instant.parse("2026-01-31T12:00:00.123456Z");
        InstanceOrigin instance = new InstanceOrigin("0000abcd", null, "alice", now);

        assertThat(TraceIds.of(instance)).isEqualTo(TraceIds.of(instance));
        assertThat(TraceIds.of(instance))
                .isNotEqualTo(TraceIds.of(new InstanceOrigin("0000abcd", null, "alice", now.plusNanos(1000))))
                .isNotEqualTo(TraceIds.of(new InstanceOrigin("0000abce", null, "alice", now)));
    }
}
