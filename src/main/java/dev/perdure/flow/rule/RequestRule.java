package dev.perdure.flow.rule;

import com.fasterxml.jackson.databind.JsonNode;
import dev.perdure.flow.Activation;
import dev.perdure.flow.DecisionBuilder;
import dev.perdure.flow.Effect;
import dev.perdure.flow.Event;
import dev.perdure.flow.Execution;
import dev.perdure.flow.FailureCode;
import dev.perdure.flow.NodeRecord;
import dev.perdure.flow.Outcome;
import dev.perdure.flow.Running;
import dev.perdure.flow.result.Json;
import dev.perdure.flow.result.Result;
import dev.perdure.flow.template.HttpRequest;
import dev.perdure.flow.template.SubstitutionException;
import org.jspecify.annotations.Nullable;

/** The common part of the two kinds of HTTP step: the request goes out as an effect, the answer ends the node. */
interface RequestRule extends LeafRule {

    /**
     * The request after substitution.
     *
     * @throws SubstitutionException when a reference cannot be resolved, or the configuration makes no sense
     */
    HttpRequest request(DecisionBuilder decision, Running run);

    /** The configuration that is stored. */
    String config();

    /** The connection is closed; the effect in the service is unknown. */
    @Override
    default String interrupted(String reason) {
        return reason + " (the request may have happened)";
    }

    /** Some answers are failures: by the request's own {@code expect}, and otherwise when a node around asks for it. */
    @Override
    default Outcome judged(DecisionBuilder decision, Outcome.Succeeded success) {
        return HttpAnswer.judge(decision, node(), expectation(), success);
    }

    /** The statuses that are a success; null when all are. */
    private @Nullable String expectation() {
        JsonNode config = Json.parse(config());
        return config == null ? null : config.path("expect").textValue();
    }

    @Override
    default void begin(DecisionBuilder decision, Running run, @Nullable NodeRecord row) {
        HttpRequest request;
        try {
            request = request(decision, run);
        } catch (SubstitutionException e) {
            decision.end(node(), new Outcome.Failed(String.valueOf(e.getMessage())));
            return;
        }
        Activation activation = new Activation(node().id(), run.stamp());
        int attempt = row == null ? 0 : row.attempt();
        decision.perform(node(), run, new Effect.SendHttp(activation, request, decision.stepName(run), attempt));
    }

    @Override
    default void happened(DecisionBuilder decision, Running run, Event event) {
        if (event instanceof Event.StepSucceeded step) {
            // In the form that it will have when it is read back.
            Result kept = new Result(Json.canonical(step.result().json()), null);
            decision.end(
                    node(),
                    new Outcome.Succeeded(kept),
                    new Execution(step.startedAt(), step.attempt(), step.executedQuery()));
        } else if (event instanceof Event.RequestFailed failed) {
            decision.end(
                    node(),
                    new Outcome.Failed(
                            failed.message(),
                            failed.status() == null ? FailureCode.HTTP_ERROR : FailureCode.http(failed.status()),
                            null,
                            null,
                            HttpAnswer.notBefore(failed.retryAfter(), decision.at())),
                    new Execution(failed.startedAt(), failed.attempt(), failed.executedQuery()));
        }
    }
}
