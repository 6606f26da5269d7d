package dev.perdure.flow;

import org.jspecify.annotations.Nullable;

/** What the two kinds of HTTP step have in common: the request goes out as an effect, the answer ends the node. */
interface RequestRule extends LeafRule {

    /**
     * The request after substitution.
     *
     * @throws SubstitutionException when a reference cannot be resolved, or the configuration makes no sense
     */
    HttpRequest request(Turn turn, Running run);

    @Override
    default void begin(Turn turn, Running run, @Nullable Recorded row) {
        HttpRequest request;
        try {
            request = request(turn, run);
        } catch (SubstitutionException e) {
            turn.end(node(), new Outcome.Failed(String.valueOf(e.getMessage())));
            return;
        }
        Activation activation = new Activation(node().id(), run.stamp());
        int attempt = row == null ? 0 : row.attempt();
        turn.perform(
                node(), run, new Effect.SendHttp(activation, request, StepName.of(turn.graph(), run.stamp()), attempt));
    }

    @Override
    default void happened(Turn turn, Running run, Event event) {
        if (event instanceof Event.StepSucceeded step) {
            // In the form that it will have when it is read back.
            Result kept = new Result(Json.canonical(step.result().json()), null);
            turn.end(
                    node(),
                    new Outcome.Succeeded(kept),
                    new Draft.Execution(step.startedAt(), step.attempt(), step.executedQuery()));
        } else if (event instanceof Event.RequestFailed failed) {
            turn.end(
                    node(),
                    new Outcome.Failed(
                            failed.message(),
                            failed.status() == null ? FailureCode.HTTP_ERROR : FailureCode.http(failed.status()),
                            HttpAnswer.notBefore(failed.retryAfter(), turn.at())),
                    new Draft.Execution(failed.startedAt(), failed.attempt(), failed.executedQuery()));
        }
    }
}
