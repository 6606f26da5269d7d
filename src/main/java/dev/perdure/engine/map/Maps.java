package dev.perdure.engine.map;

import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.flow.Effect;

/** Begins to work on maps. */
public final class Maps {

    private final MapContext context;

    public Maps(MapContext context) {
        this.context = context;
    }

    /** Works on the items of a map. Within the mailbox of the instance. */
    public void start(InstanceActor instance, Effect.RunMap effect) {
        MapBeginning map = new MapBeginning(context, instance, effect);
        instance.attempts().put(effect.activation(), map);
        map.start();
    }
}
