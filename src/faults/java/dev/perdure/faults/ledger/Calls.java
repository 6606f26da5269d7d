package dev.perdure.faults.ledger;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The requests that HTTP steps have sent, as the service received them, and how often each arrived. Thread-safe. */
public final class Calls {

    /**
     * A request.
     *
     * @param key its Idempotency-Key, null when it had none
     */
    public record Call(String instance, String step, @Nullable String key) {}

    private final Map<Call, Integer> counts = new LinkedHashMap<>();

    /**
     * A request has arrived.
     *
     * @return how often it has, this time included
     */
    public synchronized int received(Call call) {
        return counts.merge(call, 1, Integer::sum);
    }

    /** A request that never was. For planting violations. */
    public synchronized void forget(Call call) {
        counts.remove(call);
    }

    /** Requests, by how often they arrived. */
    public synchronized Map<Call, Integer> counts() {
        return new LinkedHashMap<>(counts);
    }

    /** A copy, on which violations can be planted. */
    public Calls copy() {
        Calls copy = new Calls();
        copy.counts.putAll(counts());
        return copy;
    }
}
