package dev.perdure.engine.owner;

import dev.perdure.engine.actor.Actors;
import dev.perdure.engine.actor.InstanceActor;
import dev.perdure.engine.actor.LoadedState;
import dev.perdure.engine.queue.MemoryQuota;
import dev.perdure.store.LoadedInstance;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Large instances, which are read beside the exchanges, one after the other, so that nobody's small ones wait for them (ADR 102). Used
 * by the owner's loop only, apart from {@link #add} and {@link #begin}.
 */
final class LargeLoads {

    /** A large instance that is being read. */
    static final class Reading {

        private final LoadQueue.Admitted admitted;
        /** Messages that came for it meanwhile. */
        private final Map<String, Consumer<InstanceActor>> meanwhile = new LinkedHashMap<>();
        /** Its real size, where there is no room for that now; 0 otherwise. */
        private volatile long again;

        private Reading(LoadQueue.Admitted admitted) {
            this.admitted = admitted;
        }

        String id() {
            return admitted.id();
        }

        boolean isTakenOver() {
            return admitted.takenOver();
        }
    }

    private final LoadQueue queue;
    private final MemoryQuota memory;
    private final long bytes;
    private @Nullable Reading reading;

    /**
     * A queue with nothing to read.
     *
     * @param bytes from which on an instance is large
     */
    LargeLoads(MemoryQuota memory, long bytes) {
        this.bytes = bytes;
        this.queue = new LoadQueue(memory);
        this.memory = memory;
        // What an earlier term kept.
        memory.keepNothing();
    }

    /** The size in bytes from which an instance is large. */
    long bytes() {
        return bytes;
    }

    void add(String id, long role, long bytes, boolean takenOver) {
        queue.add(id, role, bytes, takenOver);
    }

    /** Number of instances that wait for room, and not only for their turn. */
    int waiting() {
        return reading == null ? queue.size() : 0;
    }

    /** Whether it is being read. */
    boolean isReading(String id) {
        return reading != null && reading.id().equals(id);
    }

    /** Runs an action on the instance that is being read, as soon as it is in memory, once for each key. */
    void afterwards(String key, Consumer<InstanceActor> action) {
        if (reading != null) {
            reading.meanwhile.put(key, action);
        }
    }

    /** The next instance to be read; null when one is being read, or when there is room for none. */
    @Nullable Reading next(Actors actors) {
        while (reading == null) {
            List<LoadQueue.Admitted> admitted = queue.admit(1, Long.MAX_VALUE);
            if (admitted.isEmpty()) {
                queue.keepRoom();
                return null;
            }
            memory.keepNothing();
            if (actors.contains(admitted.get(0).id())) {
                admitted.get(0).memory().close();
            } else {
                reading = new Reading(admitted.get(0));
                return reading;
            }
        }
        return null;
    }

    /** Brings the instance that was read into memory. On any thread: that may last. */
    void begin(Reading read, Optional<LoadedInstance> found, Actors actors) {
        MemoryQuota.Holding holding = read.admitted.memory();
        if (found.isEmpty()) {
            holding.close();
            return;
        }
        LoadedInstance instance = found.get();
        long needed = Math.min(LoadedState.footprint(instance.bytes()), memory.most());
        long more = needed - holding.bytes();
        if (more > 0 && !holding.takeInTurn(more)) {
            holding.close();
            read.again = instance.bytes();
            return;
        }
        holding.set(needed);
        actors.beginAlone(instance, holding);
    }

    /**
     * Ends a read, after {@link #begin} or when the instance could not be read.
     *
     * @return whether it is read once more
     */
    boolean ended(Reading read, boolean isRead, Actors actors) {
        reading = null;
        LoadQueue.Admitted admitted = read.admitted;
        if (!isRead) {
            admitted.memory().close();
        }
        InstanceActor actor = actors.get(read.id());
        if (actor != null) {
            read.meanwhile.values().forEach(action -> action.accept(actor));
        } else if (!isRead || read.again > 0 || !read.meanwhile.isEmpty()) {
            queue.add(
                    admitted.id(),
                    admitted.role(),
                    read.again > 0 ? read.again : admitted.bytes(),
                    admitted.takenOver());
            return true;
        }
        return false;
    }
}
