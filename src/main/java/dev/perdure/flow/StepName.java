package dev.perdure.flow;

import dev.perdure.graph.Graph;
import dev.perdure.graph.Node;
import java.util.function.Function;

/**
 * The common name of the attempts of a step: its stamp without the generations that a RETRY counts. Rounds of loops stay
 * apart.
 */
final class StepName {

    private static final String SEPARATOR = "::";

    private StepName() {}

    /** The name of a step that runs under a stamp; see {@link ActivationId} for its parts. */
    static String of(Graph graph, String stamp, Function<Node, Rule> rules) {
        String[] tokens = stamp.split(SEPARATOR);
        for (int generation = 1; generation < tokens.length; generation += 2) {
            String owner = generation == 1 ? graph.rootId() : tokens[generation - 1];
            Rule rule = rules.apply(graph.node(owner));
            if (rule.countsAttempts()) {
                tokens[generation] = Long.toString(rule.firstAttempt(Long.parseLong(tokens[generation])));
            }
        }
        return String.join(SEPARATOR, tokens);
    }
}
