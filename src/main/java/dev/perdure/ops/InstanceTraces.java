package dev.perdure.ops;

import dev.perdure.engine.telemetry.EngineObserver;
import dev.perdure.engine.telemetry.InstanceOrigin;
import dev.perdure.engine.telemetry.StepReport;
import dev.perdure.flow.Checkpoint;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.time.Instant;
import java.util.Locale;

/**
 * One trace an instance: a span for the instance itself, written when it ends, and below it one for each attempt at a step.
 * Statements and errors, which can contain what users keep secret, are left out unless they are asked for.
 */
final class InstanceTraces implements EngineObserver {

    private final String database;
    private final Tracer tracer;
    private final boolean statements;

    /**
     * @param database whose instances they are
     * @param tracer of an SDK with {@link TraceIds}
     * @param statements whether statements and error texts become part of the spans
     */
    InstanceTraces(String database, Tracer tracer, boolean statements) {
        this.database = database;
        this.tracer = tracer;
        this.statements = statements;
    }

    @Override
    public void stepEnded(StepReport step) {
        TraceIds.Ids ids = TraceIds.of(step.instance());
        SpanContext instance = SpanContext.createFromRemoteParent(
                ids.trace(), ids.root(), TraceFlags.getSampled(), TraceState.getDefault());
        AttributesBuilder attributes = attributes(step.instance())
                .put("perdure.node.id", step.nodeId())
                .put("perdure.node.type", step.kind())
                .put("perdure.attempt", step.attempt())
                .put("perdure.outcome", Labels.of(step.outcome()));
        if (step.kind().equals("SQL")) {
            attributes.put("db.system.name", "postgresql");
        }
        if (statements) {
            attributes.put("db.query.text", step.statement());
        }
        Span span = tracer.spanBuilder("step " + step.kind())
                .setParent(Context.root().with(Span.wrap(instance)))
                .setSpanKind(SpanKind.CLIENT)
                .setStartTimestamp(step.startedAt())
                .setAllAttributes(attributes.build())
                .startSpan();
        if (step.outcome() != StepReport.Outcome.COMPLETED) {
            span.setStatus(StatusCode.ERROR, statements && step.error() != null ? step.error() : "");
        }
        span.end(step.endedAt());
    }

    @Override
    public void instanceEnded(InstanceOrigin instance, Checkpoint.InstanceEnd end, Instant at) {
        Span span = TraceIds.asRoot(TraceIds.of(instance), () -> tracer.spanBuilder("workflow")
                .setNoParent()
                .setStartTimestamp(instance.createdAt())
                .setAllAttributes(attributes(instance)
                        .put("perdure.status", end.status().name().toLowerCase(Locale.ROOT))
                        .build())
                .startSpan());
        if (end.status() != Checkpoint.InstanceEnd.Status.COMPLETED) {
            span.setStatus(StatusCode.ERROR, statements ? end.output() : "");
        }
        span.end(at);
    }

    private AttributesBuilder attributes(InstanceOrigin instance) {
        AttributesBuilder attributes = Attributes.builder()
                .put("perdure.instance.id", instance.id())
                .put("perdure.role", instance.role())
                .put("perdure.database", database);
        if (instance.label() != null) {
            attributes.put("perdure.label", instance.label());
        }
        return attributes;
    }
}
