package dev.perdure.flow;

import java.time.Instant;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The waits of running nodes of an instance: for steps, times and signals. */
final class Waits {

    private record Wait(Instant at, String nodeId) {}

    private static final Comparator<Wait> IN_TIME =
            Comparator.comparing(Wait::at).thenComparing(Wait::nodeId);

    /** Waits in the order in which they are due. */
    private final TreeSet<Wait> timers = new TreeSet<>(IN_TIME);
    /** Waits for signals in the order in which they began. */
    private final TreeSet<Wait> signals = new TreeSet<>(IN_TIME);

    private int steps;

    /** Adds a node that runs in this way. */
    void begins(String nodeId, Running run) {
        steps += isForStep(run) ? 1 : 0;
        if (run.wakeAt() != null && run.isTimed()) {
            timers.add(new Wait(run.wakeAt(), nodeId));
        }
        if (isForSignal(run)) {
            signals.add(new Wait(run.startedAt(), nodeId));
        }
    }

    /** Removes a node that no longer runs in this way. */
    void ends(String nodeId, Running run) {
        steps -= isForStep(run) ? 1 : 0;
        if (run.wakeAt() != null && run.isTimed()) {
            timers.remove(new Wait(run.wakeAt(), nodeId));
        }
        if (isForSignal(run)) {
            signals.remove(new Wait(run.startedAt(), nodeId));
        }
    }

    void addAll(Waits others) {
        timers.addAll(others.timers);
        signals.addAll(others.signals);
        steps += others.steps;
    }

    void clear() {
        timers.clear();
        signals.clear();
        steps = 0;
    }

    /** Number of steps that are waited for. */
    int forSteps() {
        return steps;
    }

    /** The nodes that wait for a signal, the longest first. */
    List<String> forSignals() {
        return signals.stream().map(Wait::nodeId).toList();
    }

    InstanceState.Waiting waiting() {
        return waiting(steps, signals.size(), timers);
    }

    /**
     * The wait after some changes, computed at their cost.
     *
     * @param before what runs now
     * @param changes what will run; null where a node will not
     */
    InstanceState.Waiting waitingAfter(Map<String, Running> before, Map<String, @Nullable Running> changes) {
        int stepsLeft = steps;
        int signalsLeft = signals.size();
        Set<Wait> gone = new HashSet<>();
        TreeSet<Wait> timersThen = new TreeSet<>(IN_TIME);
        for (Map.Entry<String, @Nullable Running> change : changes.entrySet()) {
            String nodeId = change.getKey();
            Running then = change.getValue();
            Running now = before.get(nodeId);
            if (now != null) {
                stepsLeft -= isForStep(now) ? 1 : 0;
                signalsLeft -= isForSignal(now) ? 1 : 0;
                if (now.wakeAt() != null && now.isTimed()) {
                    gone.add(new Wait(now.wakeAt(), nodeId));
                }
            }
            if (then != null) {
                stepsLeft += isForStep(then) ? 1 : 0;
                signalsLeft += isForSignal(then) ? 1 : 0;
                if (then.wakeAt() != null && then.isTimed()) {
                    timersThen.add(new Wait(then.wakeAt(), nodeId));
                }
            }
        }
        timers.stream().filter(timer -> !gone.contains(timer)).findFirst().ifPresent(timersThen::add);
        return waiting(stepsLeft, signalsLeft, timersThen);
    }

    private static InstanceState.Waiting waiting(int steps, int signals, TreeSet<Wait> timers) {
        return new InstanceState.Waiting(
                steps == 0 && (signals > 0 || !timers.isEmpty()),
                timers.isEmpty() ? null : timers.first().at());
    }

    private static boolean isForStep(Running run) {
        return run.phase() == Running.Phase.STEP;
    }

    private static boolean isForSignal(Running run) {
        return run.phase() == Running.Phase.SIGNAL;
    }
}
