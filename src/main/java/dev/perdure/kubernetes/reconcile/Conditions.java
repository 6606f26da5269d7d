package dev.perdure.kubernetes.reconcile;

import dev.perdure.kubernetes.api.StatusCondition;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Lists of conditions: one of each type, whose transition time is that of the last change of its status. */
final class Conditions {

    /** The conditions of kstatus, by which Flux, Argo CD and others tell how a resource fares. */
    static final String READY = "Ready";

    /** There only while it is so. */
    static final String RECONCILING = "Reconciling";

    /** There only while it is so. */
    static final String STALLED = "Stalled";

    private Conditions() {}

    static List<StatusCondition> with(
            List<StatusCondition> conditions,
            String type,
            boolean holds,
            String reason,
            String message,
            @Nullable Long generation,
            String now) {
        StatusCondition condition = new StatusCondition();
        condition.type = type;
        condition.status = holds ? "True" : "False";
        condition.reason = reason;
        condition.message = message;
        condition.observedGeneration = generation;
        condition.lastTransitionTime = now;
        List<StatusCondition> all = new ArrayList<>(conditions.size() + 1);
        boolean replaced = false;
        for (StatusCondition present : conditions) {
            if (!present.type.equals(type)) {
                all.add(present);
                continue;
            }
            if (present.status.equals(condition.status)) {
                condition.lastTransitionTime = present.lastTransitionTime;
            }
            all.add(condition);
            replaced = true;
        }
        if (!replaced) {
            all.add(condition);
        }
        return all;
    }

    static List<StatusCondition> without(List<StatusCondition> conditions, String type) {
        return conditions.stream().filter(present -> !present.type.equals(type)).toList();
    }
}
