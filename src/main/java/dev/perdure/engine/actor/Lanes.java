package dev.perdure.engine.actor;

/** The threads of the engine, as actors see them. */
public interface Lanes {

    /** Drains the mailbox on a thread of the lane: calls {@link InstanceActor#drain}. Returns at once. */
    void drain(InstanceActor actor, Lane lane);

    /** Runs work on a thread that may block on a session. Returns at once. */
    void onSessionThread(Runnable work);
}
