package dev.perdure.flow;

import dev.perdure.graph.Graph;

/**
 * What the attempts of a step have in common: its stamp without the generations that a RETRY counts. Rounds of loops stay
 * apart.
 */
final class StepName {

    private static final String SEPARATOR = "::";
    private static final String RETRY = "RETRY";

    private StepName() {}

    /** The name of a step that runs under a stamp; see {@link Stamp} for what stands where in it. */
    static String of(Graph graph, String stamp) {
        String[] tokens = stamp.split(SEPARATOR);
        for (int generation = 1; generation < tokens.length; generation += 2) {
            String owner = generation == 1 ? graph.rootId() : tokens[generation - 1];
            if (graph.node(owner).type().equals(RETRY)) {
                tokens[generation] = "1";
            }
        }
        return String.join(SEPARATOR, tokens);
    }
}
