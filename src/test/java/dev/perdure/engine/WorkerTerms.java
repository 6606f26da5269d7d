package dev.perdure.engine;

/** Ends terms of leadership for tests of other rooms. */
public final class WorkerTerms {

    private WorkerTerms() {}

    /** The worker drops all memory and all sessions, and stands for election again. */
    public static void loseLeadership(EngineLifecycle engine) {
        engine.stepDown();
    }
}
