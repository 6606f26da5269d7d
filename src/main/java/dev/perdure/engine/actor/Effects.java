package dev.perdure.engine.actor;

import dev.perdure.flow.Effect;

/** Starts the effects of decisions. Called within the actor's mailbox; must not block. */
public interface Effects {

    /** Starts an effect, and adds its attempt to {@link InstanceActor#attempts}. */
    void start(InstanceActor actor, Effect effect);
}
