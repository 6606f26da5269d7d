package dev.perdure.engine.actor;

/** Something that has happened to an instance, or is to be done with it. Handled once, in the order of posting. */
public interface Message {

    /**
     * Handles the message. What it throws is the instance's breakdown.
     *
     * @return whether the next message may be handled; if not, somebody calls {@link InstanceActor#answer} later, whatever
     *     happens
     */
    boolean handle(InstanceActor actor, Drain drain);

    /** Where it is handled. */
    default Lane lane() {
        return Lane.DECISIONS;
    }

    /** The instance has left memory, or will handle nothing more: gives back what the message holds. */
    default void dropped() {}
}
