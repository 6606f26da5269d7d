package dev.perdure.kubernetes.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code saga: [...]}, as {@code df.saga}; and {@code undo: [...]} beside the kind of a step in it, as {@code df.with_undo}. */
final class SagaKind implements StepKind {

    /** As df.with_undo has it. */
    private static final String WITHOUT_END =
            "{\"max_attempts\":null,\"initial_delay_ms\":1000,\"backoff\":2,\"max_delay_ms\":300000,\"retry_on\":null}";

    @Override
    public NodeText translate(JsonNode value, Place place, StepList steps) throws InvalidDefinitionException {
        return new NodeText("SAGA", steps.sequence(value, place), null, null, List.of(), null, null);
    }

    /**
     * A step and its undo.
     *
     * @param register when the undo is registered; null: after the step
     */
    static NodeText withUndo(NodeText step, NodeText undo, @Nullable JsonNode register, Place place)
            throws InvalidDefinitionException {
        String when = register == null || register.isNull() ? "after" : register.asText();
        if (!when.equals("after") && !when.equals("before")) {
            throw place.invalid("expected after or before");
        }
        NodeText retried = undo.type().equals("RETRY")
                ? undo
                : new NodeText("RETRY", undo, null, null, List.of(), WITHOUT_END, null);
        return new NodeText("WITH_UNDO", step, retried, null, List.of(), "{\"register\":\"" + when + "\"}", null);
    }
}
