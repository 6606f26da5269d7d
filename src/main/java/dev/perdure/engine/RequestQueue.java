package dev.perdure.engine;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * HTTP requests that wait for a slot. Roles take turns, within a role its instances; a role never has more than its share
 * of slots. No thread waits here: whoever adds a request or gives a slot back is handed what may begin.
 */
final class RequestQueue {

    private static final class RoleLane {
        final RoundRobin<String, RequestTask> tasks = new RoundRobin<>();
        int inUse;
    }

    private final int maxInUse;
    private final int maxInUsePerRole;
    // In the order in which roles get their turn.
    private final Map<Long, RoleLane> roles = new LinkedHashMap<>();
    private int inUse;
    private int queued;
    private boolean closed;

    RequestQueue(int maxInUse, int maxInUsePerRole) {
        this.maxInUse = maxInUse;
        this.maxInUsePerRole = maxInUsePerRole;
    }

    /** Takes a request in, and gives out those that may begin. */
    synchronized List<RequestTask> add(RequestTask task) {
        if (!closed) {
            roles.computeIfAbsent(role(task), oid -> new RoleLane())
                    .tasks
                    .add(task.instance().id(), task);
            queued++;
        }
        return next();
    }

    /** A request has ended; gives out those that may begin. */
    synchronized List<RequestTask> release(RequestTask task) {
        if (!task.giveSlotBack()) {
            return List.of();
        }
        inUse--;
        RoleLane lane = roles.get(role(task));
        if (lane != null) {
            lane.inUse--;
            if (lane.inUse == 0 && lane.tasks.size() == 0) {
                roles.remove(role(task));
            }
        }
        return next();
    }

    /** Gives nothing out any more. */
    synchronized void close() {
        closed = true;
    }

    synchronized int queued() {
        return queued;
    }

    synchronized int inUse() {
        return inUse;
    }

    private List<RequestTask> next() {
        List<RequestTask> begin = new ArrayList<>();
        boolean found = true;
        while (found && !closed && queued > 0 && inUse < maxInUse) {
            found = false;
            for (Map.Entry<Long, RoleLane> entry : roles.entrySet()) {
                RoleLane lane = entry.getValue();
                RequestTask task = lane.inUse < maxInUsePerRole ? lane.tasks.poll() : null;
                if (task != null) {
                    queued--;
                    inUse++;
                    lane.inUse++;
                    begin.add(task);
                    Long role = entry.getKey();
                    roles.remove(role);
                    roles.put(role, lane);
                    found = true;
                    break;
                }
            }
        }
        return begin;
    }

    private static long role(RequestTask task) {
        return task.instance().sessions().roleOid();
    }
}
