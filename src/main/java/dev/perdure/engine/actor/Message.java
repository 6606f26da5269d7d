package dev.perdure.engine.actor;

/** A message to an instance: an event, or a task. Handled once, in the order of posting. */
public interface Message {

    /**
     * Handles the message. An exception is a breakdown of the instance.
     *
     * @return whether the next message may be handled; if not, {@link InstanceActor#answer} is called later, whatever happens
     */
    boolean handle(InstanceActor actor, Drain drain);

    /** The lane that handles it. */
    default Lane lane() {
        return Lane.DECISIONS;
    }

    /** Gives back the resources of the message, when the instance has left memory, or will handle nothing more. */
    default void dropped() {}
}
