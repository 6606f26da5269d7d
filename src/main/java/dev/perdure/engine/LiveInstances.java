package dev.perdure.engine;

import dev.perdure.store.Candidate;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/** The instances in memory, by id. Thread-safe. */
final class LiveInstances {

    private final Map<String, LiveInstance> instances = new ConcurrentHashMap<>();
    private final Room room;
    private final Runnable onRoom;
    private @Nullable Set<String> leftDuringLoad;

    /**
     * Empty memory.
     *
     * @param places how many instances it has place for
     * @param onRoom called when there is room again for a role that {@link #fullRoles} has named
     */
    LiveInstances(int places, Runnable onRoom) {
        this.room = new Room(places);
        this.onRoom = onRoom;
    }

    /** The roles that have so many instances in memory that no more of them may come in, by oid. */
    synchronized List<Long> fullRoles() {
        return room.full();
    }

    /** Takes out of a queue what is to go on and has room. */
    List<Candidate> admit(IdQueue waiting, int limit) {
        if (waiting.isEmpty()) {
            return List.of();
        }
        LongPredicate admission;
        synchronized (this) {
            admission = room.admission();
        }
        return waiting.poll(limit, admission);
    }

    /** Whether an instance of this role that only waits should leave memory. */
    synchronized boolean isCrowded(long role) {
        return room.isCrowded(role);
    }

    @Nullable LiveInstance get(String id) {
        return instances.get(id);
    }

    boolean contains(String id) {
        return instances.containsKey(id);
    }

    int size() {
        return instances.size();
    }

    Collection<LiveInstance> all() {
        return instances.values();
    }

    /** A load begins: what leaves memory from now on is older in the rows that it reads. One load at a time. */
    synchronized void loadBegins() {
        leftDuringLoad = new HashSet<>();
    }

    /**
     * Adds an instance that the current load has read.
     *
     * @return false when it is in memory already, or was until a moment ago, so that the rows read may be outdated
     */
    synchronized boolean add(LiveInstance instance) {
        if (leftDuringLoad != null && leftDuringLoad.contains(instance.id())) {
            return false;
        }
        if (instances.putIfAbsent(instance.id(), instance) != null) {
            return false;
        }
        room.enter(instance.sessions().roleOid());
        return true;
    }

    synchronized void loadEnds() {
        leftDuringLoad = null;
    }

    /** Takes an instance out of memory. */
    void remove(LiveInstance instance) {
        boolean hasRoom = false;
        synchronized (this) {
            if (instances.remove(instance.id(), instance)) {
                hasRoom = room.leave(instance.sessions().roleOid());
                if (leftDuringLoad != null) {
                    leftDuringLoad.add(instance.id());
                }
            }
        }
        instance.leave();
        if (hasRoom) {
            onRoom.run();
        }
    }
}
