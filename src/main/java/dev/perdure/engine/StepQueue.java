package dev.perdure.engine;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Steps that wait for a session. Roles take turns, and within a role its instances. A role never has more than its share
 * of sessions, nor more than half of what the other roles leave: however many roles are slow, there is a slot for the
 * next one. A slot is held from {@link #take} to {@link #release}: for as long as the session is in use.
 */
final class StepQueue {

    private static final class RoleLane {
        final RoundRobin<String, StepTask> tasks = new RoundRobin<>();
        int inUse;
    }

    private final int maxInUse;
    private final int maxInUsePerRole;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition available = lock.newCondition();
    // In the order in which roles get their turn.
    private final Map<Long, RoleLane> roles = new LinkedHashMap<>();
    private int inUse;
    private int queued;
    private volatile boolean closed;

    StepQueue(int maxInUse, int maxInUsePerRole) {
        this.maxInUse = maxInUse;
        this.maxInUsePerRole = maxInUsePerRole;
    }

    void add(StepTask task) {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            task.queuedAt(System.nanoTime());
            roles.computeIfAbsent(task.instance().sessions().roleOid(), oid -> new RoleLane())
                    .tasks
                    .add(task.instance().id(), task);
            queued++;
            available.signal();
        } finally {
            lock.unlock();
        }
    }

    /** The next step whose role has a slot free; waits for one. Null once the queue is closed. */
    @Nullable StepTask take() throws InterruptedException {
        lock.lock();
        try {
            while (!closed) {
                StepTask task = poll();
                if (task != null) {
                    // A slot given back can raise the shares of several roles, and has woken one thread.
                    if (hasMore()) {
                        available.signal();
                    }
                    return task;
                }
                available.await();
            }
            return null;
        } finally {
            lock.unlock();
        }
    }

    private @Nullable StepTask poll() {
        if (inUse >= maxInUse || queued == 0) {
            return null;
        }
        for (Map.Entry<Long, RoleLane> entry : roles.entrySet()) {
            RoleLane lane = entry.getValue();
            if (lane.inUse < share(lane)) {
                StepTask task = lane.tasks.poll();
                if (task != null) {
                    queued--;
                    inUse++;
                    task.slotTaken();
                    lane.inUse++;
                    Long role = entry.getKey();
                    roles.remove(role);
                    roles.put(role, lane);
                    return task;
                }
            }
        }
        return null;
    }

    private boolean hasMore() {
        return queued > 0
                && inUse < maxInUse
                && roles.values().stream().anyMatch(lane -> lane.tasks.size() > 0 && lane.inUse < share(lane));
    }

    private int share(RoleLane lane) {
        int left = maxInUse - (inUse - lane.inUse);
        return Math.min(maxInUsePerRole, (left + 1) / 2);
    }

    /** Gives a step's slot back; does nothing when it was given back before. */
    void release(StepTask task) {
        if (!task.giveSlotBack()) {
            return;
        }
        long roleOid = task.instance().sessions().roleOid();
        lock.lock();
        try {
            inUse--;
            RoleLane lane = roles.get(roleOid);
            if (lane != null) {
                lane.inUse--;
                if (lane.inUse == 0 && lane.tasks.size() == 0) {
                    roles.remove(roleOid);
                }
            }
            if (queued > 0) {
                available.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Takes the steps out that have waited for longer. */
    List<StepTask> removeWaitingFor(long nanos) {
        List<StepTask> removed = new ArrayList<>();
        lock.lock();
        try {
            long now = System.nanoTime();
            for (RoleLane lane : roles.values()) {
                removed.addAll(lane.tasks.removeIf(task -> now - task.queuedAt() > nanos));
            }
            queued -= removed.size();
            roles.values().removeIf(lane -> lane.inUse == 0 && lane.tasks.size() == 0);
        } finally {
            lock.unlock();
        }
        return removed;
    }

    /** Steps that wait. */
    int queued() {
        lock.lock();
        try {
            return queued;
        } finally {
            lock.unlock();
        }
    }

    /** Sessions in use. */
    int inUse() {
        lock.lock();
        try {
            return inUse;
        } finally {
            lock.unlock();
        }
    }

    /** Whether no step begins any more. */
    boolean isClosed() {
        return closed;
    }

    /** Gives no more steps out. */
    void close() {
        lock.lock();
        try {
            closed = true;
            available.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
