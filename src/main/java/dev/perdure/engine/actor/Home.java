package dev.perdure.engine.actor;

import dev.perdure.flow.Checkpoint;
import java.util.List;

/** The origin of an actor, the tables or a map: reads the actor again, and learns how it ended. Called from any thread; must not block. */
public interface Home {

    /**
     * Reads an actor again, which has left memory.
     *
     * @param bytes that it held
     */
    void load(InstanceActor actor, long bytes);

    /**
     * Items that may share the transaction of the actor's only statement.
     *
     * @return the companions, whose outcome is given once to {@link #companionsOver}
     */
    default List<Companion> companions(InstanceActor actor) {
        return List.of();
    }

    /** The outcome of companions. */
    enum CompanionOutcome {
        COMMITTED,
        ROLLED_BACK,
        /** One of the companions has failed, or they cannot share a transaction. */
        FAILED,
        UNKNOWN
    }

    /** Takes companions back, with their outcome: they have ended, or run again. */
    default void companionsOver(List<Companion> companions, CompanionOutcome outcome) {}

    /** Learns how an actor ended. The end is committed, and the actor has left memory. */
    void ended(InstanceActor actor, Checkpoint.InstanceEnd end);
}
