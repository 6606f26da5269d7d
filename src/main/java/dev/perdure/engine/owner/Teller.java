package dev.perdure.engine.owner;

import dev.perdure.engine.actor.Actors;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * Hands the results of an exchange to the instances, one by one: an exception of one is a breakdown of that one, and the others still get
 * theirs. Used by the owner's loop only.
 */
final class Teller {

    private static final Logger LOG = Logger.getLogger(Teller.class);

    private final Actors actors;
    private final Consumer<String> stepDown;

    /** @param stepDown ends the term, with the reason */
    Teller(Actors actors, Consumer<String> stepDown) {
        this.actors = actors;
        this.stepDown = stepDown;
    }

    /**
     * Hands a result to an instance, or an item. When that fails and it is in memory, it is read again; otherwise only the next term would
     * find it.
     */
    void tell(String instance, Runnable what) {
        try {
            what.run();
        } catch (RuntimeException | Error e) {
            if (!actors.brokeDown(instance, e)) {
                LOG.errorf(e, "Instance %s: it could not be told what came of it", instance);
                stepDown.accept("instance " + instance + " could not be told what came of it: " + e);
            }
        }
    }
}
