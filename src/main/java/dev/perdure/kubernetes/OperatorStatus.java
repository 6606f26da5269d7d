package dev.perdure.kubernetes;

import dev.perdure.kubernetes.watch.FeedStatus;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntSupplier;
import java.util.function.Supplier;

/** Status of the operator, for health and metrics. Thread-safe. */
@Singleton
public class OperatorStatus {

    /** The operator's activity. */
    public enum State {
        /** It is switched off, or this is no pod with a service account. */
        OFF,
        /** Another worker leads; this one watches only. */
        STANDBY,
        /**
         * This worker leads, and serves nothing: the API server does not answer, a right or a definition is missing, or all
         * belongs to another database.
         */
        WAITING,
        /** Resources are reconciled, but not those of every namespace. */
        PARTLY,
        /** Resources are reconciled. */
        RUNNING
    }

    private volatile String worker = "";
    private final Set<String> led = ConcurrentHashMap.newKeySet();
    private volatile String problem = "";
    private volatile Supplier<List<FeedStatus>> watches = List::of;
    private volatile Supplier<Map<String, String>> unclaimed = Map::of;
    private volatile IntSupplier queued = () -> 0;
    private volatile Supplier<Duration> clockOffset = () -> Duration.ZERO;

    /** The current activity. */
    public State state() {
        if (worker.isEmpty()) {
            return State.OFF;
        }
        if (led.isEmpty()) {
            return State.STANDBY;
        }
        List<FeedStatus> all = watches.get();
        Map<String, String> foreign = unclaimed();
        long working = all.stream()
                .filter(watch -> watch.state() == FeedStatus.State.WATCHING && !foreign.containsKey(watch.namespace()))
                .count();
        return working == 0 ? State.WAITING : working < all.size() ? State.PARTLY : State.RUNNING;
    }

    /** The state in a sentence. */
    public String detail() {
        return switch (state()) {
            case OFF -> "perdure.kubernetes.enabled";
            case STANDBY -> "this worker does not lead";
            case WAITING -> problem.isEmpty() ? "nothing can be watched, or nothing belongs to this database" : problem;
            case PARTLY ->
                "resources of worker " + worker
                        + " are reconciled, where they can be watched and belong to this database";
            case RUNNING -> "resources of worker " + worker + " are reconciled";
        };
    }

    /** One for each kind in each namespace. */
    public List<FeedStatus> watches() {
        return watches.get();
    }

    /** The namespaces whose resources are not known to be those of this worker's database, each with the reason. */
    public Map<String, String> unclaimed() {
        return led.isEmpty() ? Map.of() : unclaimed.get();
    }

    /** The number of resources that wait for a reconciliation. */
    public int queued() {
        return queued.getAsInt();
    }

    /** The time by which the clock of this node is behind that of the API server; zero while no difference can be told. */
    public Duration clockOffset() {
        return clockOffset.get();
    }

    void on(String workerName, Supplier<Duration> offset) {
        worker = workerName;
        clockOffset = offset;
    }

    void begun(Supplier<List<FeedStatus>> statuses, IntSupplier waiting, Supplier<Map<String, String>> notOurs) {
        problem = "";
        unclaimed = notOurs;
        watches = statuses;
        queued = waiting;
    }

    /** It cannot even begin to watch. */
    void cannotBegin(String why) {
        problem = why;
    }

    /** Whether it leads as a worker. */
    void leads(String as, boolean now) {
        if (now) {
            led.add(as);
        } else {
            led.remove(as);
        }
    }
}
