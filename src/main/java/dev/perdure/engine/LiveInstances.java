package dev.perdure.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The instances in memory, by id. Thread-safe. */
final class LiveInstances {

    private final Map<String, LiveInstance> instances = new ConcurrentHashMap<>();
    private final Map<Long, Long> perRole = new HashMap<>();
    private long weight;
    private @Nullable Set<String> leftDuringLoad;

    @Nullable LiveInstance get(String id) {
        return instances.get(id);
    }

    boolean contains(String id) {
        return instances.containsKey(id);
    }

    int size() {
        return instances.size();
    }

    /** What all of them take in memory, in ordinary instances. */
    synchronized long weight() {
        return weight;
    }

    /**
     * Oids of the roles that have their share: half of what others leave, so that there is always room for one more role.
     *
     * @param most how much may be here, see {@link #weight()}
     */
    synchronized List<Long> rolesWithTheirShare(long most) {
        List<Long> roles = new ArrayList<>();
        perRole.forEach((role, sum) -> {
            long others = weight - sum;
            if (2 * sum >= most - others) {
                roles.add(role);
            }
        });
        return roles;
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
        perRole.merge(instance.sessions().roleOid(), instance.weight(), Long::sum);
        weight += instance.weight();
        return true;
    }

    synchronized void loadEnds() {
        leftDuringLoad = null;
    }

    /** Takes an instance out of memory. */
    synchronized void remove(LiveInstance instance) {
        if (instances.remove(instance.id(), instance)) {
            weight -= instance.weight();
            perRole.computeIfPresent(
                    instance.sessions().roleOid(),
                    (role, sum) -> sum == instance.weight() ? null : sum - instance.weight());
            if (leftDuringLoad != null) {
                leftDuringLoad.add(instance.id());
            }
        }
        instance.leave();
    }
}
