package dev.perdure.faults.ledger;

import java.time.OffsetDateTime;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** One workflow that was started, or that was tried to start. Written by one thread, read when all have ended. */
public final class Entry {

    /** What was done with it. */
    enum Fate {
        /** It was started and runs to its end. */
        RUNS,
        /** The transaction of its start was rolled back. */
        ROLLED_BACK,
        /** It was cancelled in the transaction of its start. */
        STILLBORN,
        /** It was cancelled at some later time. */
        CANCELLED,
        /** It has a time limit that it may reach. */
        LIMITED,
        /** Its start found another instance of its dedup key, which had not ended. */
        ABSORBED
    }

    private final String label;
    private final Shape shape;
    private final boolean asynchronous;
    private final List<String> forks = new CopyOnWriteArrayList<>();
    private volatile Fate fate;
    private volatile @Nullable String dedupKey;
    private volatile boolean acknowledged;
    private volatile boolean mayVanish;
    private volatile @Nullable String id;
    private volatile @Nullable OffsetDateTime cancelledBefore;

    Entry(String label, Shape shape, Fate fate, boolean asynchronous) {
        this.label = label;
        this.shape = shape;
        this.fate = fate;
        this.asynchronous = asynchronous;
    }

    /** By which it is found when its id was not received. */
    public String label() {
        return label;
    }

    public Shape shape() {
        return shape;
    }

    Fate fate() {
        return fate;
    }

    void absorbed() {
        fate = Fate.ABSORBED;
    }

    /** The key of which one that has not ended is there at most; null when it has none. */
    @Nullable String dedupKey() {
        return dedupKey;
    }

    void under(String key) {
        dedupKey = key;
    }

    /** The ids of its forks, as far as they were received. */
    List<String> forks() {
        return forks;
    }

    /** Its id, null before the server has told. */
    public @Nullable String id() {
        return id;
    }

    void received(@Nullable String instance) {
        id = instance;
    }

    /** Whether the server has acknowledged the commit of the start. */
    boolean isAcknowledged() {
        return acknowledged;
    }

    void acknowledge() {
        acknowledged = true;
    }

    /** The server has lost what was not flushed: a start of a role that does not wait for that can be gone. */
    void serverCrashed() {
        mayVanish |= asynchronous;
    }

    boolean canVanish() {
        return mayVanish || !acknowledged;
    }

    /** A time of the server's clock by which the cancellation was committed; null when that is not known. */
    @Nullable OffsetDateTime cancelledBefore() {
        return cancelledBefore;
    }

    void cancelledBefore(OffsetDateTime time) {
        cancelledBefore = time;
    }
}
