package dev.perdure.engine.actor;

import dev.perdure.flow.Checkpoint;
import java.util.List;

/** The origin of an actor: it has the actor read again, and learns how it ended. Called from any thread; must not block. */
public interface Home {

    /**
     * It has left memory, and is to be read again.
     *
     * @param bytes that it held
     */
    void load(InstanceActor actor, long bytes);

    /**
     * Others that may share the transaction of its only statement.
     *
     * @return what comes of them is said once: {@link #companionsOver}
     */
    default List<Companion> companions(InstanceActor actor) {
        return List.of();
    }

    /** What came of companions. */
    enum CompanionOutcome {
        COMMITTED,
        ROLLED_BACK,
        /** One of them, or that they were together, is to blame. */
        FAILED,
        UNKNOWN
    }

    /** Companions have ended, or are to be worked on again. */
    default void companionsOver(List<Companion> companions, CompanionOutcome outcome) {}

    /** Its end is committed, and it has left memory. */
    void ended(InstanceActor actor, Checkpoint.InstanceEnd end);
}
