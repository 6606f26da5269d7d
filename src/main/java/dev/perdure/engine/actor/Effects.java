package dev.perdure.engine.actor;

import dev.perdure.flow.Effect;

/** Starts what decisions ask for. Called within the actor's mailbox; must not block. */
public interface Effects {

    /** Starts an effect, and has {@link InstanceActor#attempts} know it. */
    void start(InstanceActor actor, Effect effect);
}
