package dev.perdure.flow;

import dev.perdure.flow.rule.Rules;

/**
 * The language of workflows as a pure function (architecture, section 2). It reads a state and an event, and returns the rows to persist
 * and the effects to start; it changes nothing, reads no clock and uses no randomness, so the same state and event always give the same
 * decision.
 */
public final class Interpreter {

    private Interpreter() {}

    /**
     * Decides the consequences of an event. An event that nothing waits for any more gives an empty decision.
     *
     * <p>The cost is that of the nodes which end or are entered because of the event.
     */
    public static Decision decide(InstanceState state, Event event) {
        DecisionBuilder building = new DecisionBuilder(state, event.at(), Rules::of);
        if (state.hasEnded()) {
            return building.decision();
        }
        if (event instanceof Event.Loaded) {
            building.load();
        } else if (event instanceof Event.Cancelled cancelled) {
            building.load();
            building.cancel(cancelled.reason());
        } else if (event instanceof Event.OfActivation ofActivation) {
            building.happened(ofActivation.activation(), event);
        }
        return building.decision();
    }
}
