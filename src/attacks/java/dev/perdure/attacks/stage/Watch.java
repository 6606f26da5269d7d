package dev.perdure.attacks.stage;

import java.util.ArrayList;
import java.util.List;

/** How long one kind of service takes at most; what has begun and is not over counts as long as it has taken so far. Thread-safe. */
public final class Watch {

    /** A part of a service. */
    @FunctionalInterface
    interface Part<T> {
        T run() throws Exception;
    }

    private final String kind;
    private final List<String> wrong = new ArrayList<>();
    private long slowest;
    private int served;
    private boolean isUnderWay;
    private long since;
    private long expected;

    Watch(String kind) {
        this.kind = kind;
    }

    String kind() {
        return kind;
    }

    /** Measures a part. */
    <T> T time(Part<T> part) throws Exception {
        return time(0, part);
    }

    /**
     * The same.
     *
     * @param millis that it takes in any case
     */
    <T> T time(long millis, Part<T> part) throws Exception {
        begins(millis * 1_000_000);
        T answer = part.run();
        ended();
        return answer;
    }

    private synchronized void begins(long nanos) {
        isUnderWay = true;
        since = System.nanoTime();
        expected = nanos;
    }

    private synchronized void ended() {
        slowest = Math.max(slowest, soFar());
        isUnderWay = false;
        served++;
    }

    private long soFar() {
        return isUnderWay ? Math.max(0, System.nanoTime() - since - expected) : 0;
    }

    /** It was answered in a way that it must not be. */
    synchronized void wrong(String how) {
        isUnderWay = false;
        if (wrong.size() < 3) {
            wrong.add(kind + ": " + how);
        }
    }

    /** Begins anew: what is under way counts from now on. */
    synchronized void reset() {
        wrong.clear();
        slowest = 0;
        served = 0;
        if (isUnderWay) {
            long now = System.nanoTime();
            expected = Math.max(0, expected - (now - since));
            since = now;
        }
    }

    /**
     * What was measured.
     *
     * @param served how many parts have ended, and one more when one is under way whose time has not come
     */
    public record Measured(String kind, long slowestMillis, int served, List<String> wrong) {}

    synchronized Measured measured() {
        boolean isEarly = isUnderWay && soFar() == 0;
        return new Measured(
                kind, Math.max(slowest, soFar()) / 1_000_000, served + (isEarly ? 1 : 0), List.copyOf(wrong));
    }
}
