package dev.perdure.flow;

/**
 * The language of workflows as a pure function (architecture, section 2). It reads a state and an event and says what to
 * persist and what to start; it changes nothing, reads no clock and uses no randomness, so the same state and event
 * always give the same decision.
 */
public final class Interpreter {

    private Interpreter() {}

    /**
     * Decides what follows from an event. An event that nothing waits for any more gives an empty decision.
     *
     * <p>The cost is that of the nodes which end or are entered because of the event.
     */
    public static Decision decide(InstanceState state, Event event) {
        Turn turn = new Turn(state, event.at());
        if (state.hasEnded()) {
            return turn.decision();
        }
        if (event instanceof Event.Loaded) {
            turn.load();
        } else if (event instanceof Event.Cancelled cancelled) {
            turn.load();
            turn.cancel(cancelled.reason());
        } else if (event instanceof Event.StepSucceeded step) {
            turn.happened(step.activation(), event);
        } else if (event instanceof Event.StepFailed step) {
            turn.happened(step.activation(), event);
        } else if (event instanceof Event.RequestFailed request) {
            turn.happened(request.activation(), event);
        } else if (event instanceof Event.SignalReceived signal) {
            turn.happened(signal.activation(), event);
        } else if (event instanceof Event.TimerFired timer) {
            turn.happened(timer.activation(), event);
        }
        return turn.decision();
    }
}
