package dev.perdure.engine.queue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A queue for slots. Roles take turns, and within a role its instances. A role never has more slots than its limit, nor more
 * than its {@link Share}. A role that has none gets one from a reserve when all slots are taken, so that many roles with slow
 * work do not keep another one waiting. No thread waits here: the caller that adds an item or gives a slot back polls. Thread-safe.
 *
 * @param <T> what waits
 */
public final class FairQueue<T> {

    /**
     * The number of slots.
     *
     * @param slots for everybody
     * @param perRole most of one role
     * @param reserve beyond {@code slots}, one each for roles that have none
     */
    public record Limits(int slots, int perRole, int reserve) {

        /** Slots without a limit by role and without a reserve. */
        public static Limits of(int slots) {
            return new Limits(slots, slots, 0);
        }
    }

    private static final class Lane<T> {
        final RoundRobin<String, T> items = new RoundRobin<>();
        int inUse;
    }

    private final Limits limits;
    // In the order in which roles get their turn.
    private final Map<Long, Lane<T>> lanes = new LinkedHashMap<>();
    private int inUse;
    private int queued;
    private boolean closed;

    public FairQueue(Limits limits) {
        this.limits = limits;
    }

    /** Takes an item in, at the end of its instance's. A closed queue drops it. */
    public synchronized void add(long role, String instance, T item) {
        if (!closed) {
            lane(role).items.add(instance, item);
            queued++;
        }
    }

    /** The next item whose role has a slot free, which is taken; null when there is none. */
    public synchronized @Nullable T poll() {
        return poll(item -> true);
    }

    /** The same, of items that can begin; one that cannot keeps its role's others waiting, and no other role's. */
    public synchronized @Nullable T poll(Predicate<T> canBegin) {
        if (closed || queued == 0) {
            return null;
        }
        for (Map.Entry<Long, Lane<T>> entry : lanes.entrySet()) {
            Lane<T> lane = entry.getValue();
            T first = mayHaveOneMore(lane) ? lane.items.peek() : null;
            if (first != null && canBegin.test(first)) {
                lane.items.poll();
                queued--;
                take(entry.getKey(), lane);
                return first;
            }
        }
        return null;
    }

    /** Whether the holder of a slot of this role should give it back now: others wait, and this role has more than its share. */
    public synchronized boolean isContended(long role) {
        if (queued == 0) {
            return false;
        }
        Lane<T> own = lanes.get(role);
        return own == null || queued > own.items.size() || own.inUse > share(own);
    }

    /**
     * The role that has the most slots, when a role that has none waits and everything is taken, the reserve included; null
     * otherwise, and when nobody has more than one.
     */
    public synchronized @Nullable Long inTheWay() {
        if (inUse < limits.slots + limits.reserve
                || lanes.values().stream().noneMatch(lane -> lane.inUse == 0 && lane.items.size() > 0)) {
            return null;
        }
        Map.Entry<Long, Lane<T>> most =
                Collections.max(lanes.entrySet(), Comparator.comparingInt(entry -> entry.getValue().inUse));
        return most.getValue().inUse > 1 ? most.getKey() : null;
    }

    private void take(Long role, Lane<T> lane) {
        inUse++;
        lane.inUse++;
        lanes.remove(role);
        lanes.put(role, lane);
    }

    private boolean mayHaveOneMore(Lane<T> lane) {
        if (lane.inUse == 0) {
            return inUse < limits.slots + limits.reserve;
        }
        return inUse < limits.slots && lane.inUse < share(lane);
    }

    private long share(Lane<T> lane) {
        return Math.min(limits.perRole, Share.of(limits.slots, inUse - (long) lane.inUse));
    }

    /** Gives a slot back. */
    public synchronized void release(long role) {
        inUse--;
        Lane<T> lane = lanes.get(role);
        if (lane != null) {
            lane.inUse--;
            forgetIfEmpty(role, lane);
        }
    }

    /** Takes the items out that a condition holds for. */
    public synchronized List<T> removeIf(Predicate<T> condition) {
        List<T> removed = new ArrayList<>();
        lanes.values().forEach(lane -> removed.addAll(lane.items.removeIf(condition)));
        queued -= removed.size();
        lanes.values().removeIf(lane -> lane.inUse == 0 && lane.items.size() == 0);
        return removed;
    }

    private Lane<T> lane(long role) {
        return lanes.computeIfAbsent(role, oid -> new Lane<>());
    }

    private void forgetIfEmpty(long role, Lane<T> lane) {
        if (lane.inUse == 0 && lane.items.size() == 0) {
            lanes.remove(role);
        }
    }

    /** Items that wait. */
    public synchronized int queued() {
        return queued;
    }

    /** Slots that are taken. */
    public synchronized int inUse() {
        return inUse;
    }

    /** Gives nothing out any more, and drops waiting items. */
    public synchronized void close() {
        closed = true;
        lanes.clear();
        queued = 0;
    }

    public synchronized boolean isClosed() {
        return closed;
    }
}
