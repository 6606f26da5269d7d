package dev.perdure.engine;

import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What goes wrong, and how often. */
final class SimFaults {

    /** How often what has happened, over all runs: a fault that is never met proves nothing. */
    static final Map<String, Integer> MET = new TreeMap<>();

    private final Random random;
    private final boolean enabled;
    private final int rarity;
    private boolean breaks;

    /**
     * Faults by chance.
     *
     * @param rarity one in so many
     */
    SimFaults(Random random, boolean enabled, int rarity) {
        this.random = random;
        this.enabled = enabled;
        this.rarity = rarity;
    }

    static SimFaults none(Random random) {
        return new SimFaults(random, false, 1);
    }

    long latency() {
        return 20_000 + random.nextInt(chance(20) ? 5_000_000 : 300_000);
    }

    long execution() {
        return chance(10) ? random.nextInt(400_000_000) : 50_000 + random.nextInt(2_000_000);
    }

    boolean losesExchange() {
        return chance(2 * rarity);
    }

    boolean losesConnection() {
        return chance(rarity);
    }

    boolean isTransient() {
        return chance(rarity);
    }

    boolean cannotLogIn() {
        return chance(rarity);
    }

    /** How long a transaction sits in COMMIT. */
    long commit() {
        return chance(rarity) ? random.nextInt(2_000_000_000) : random.nextInt(500_000);
    }

    /** How much later than the rest of its exchange a mark is written. */
    long lateness() {
        return chance(4) ? random.nextInt(2_000_000_000) : 0;
    }

    /** Has our own code fail by chance, too: what nobody foresaw. */
    SimFaults breaking() {
        breaks = true;
        return this;
    }

    /** Throws now and then. */
    void mayBreak(String where) {
        Throwable broken = broken(where);
        if (broken instanceof Error error) {
            throw error;
        }
        if (broken != null) {
            throw (RuntimeException) broken;
        }
    }

    /** What is thrown; mostly nothing. */
    @Nullable Throwable broken(String where) {
        if (!breaks || !chance(10 * rarity)) {
            return null;
        }
        Throwable broken =
                switch (random.nextInt(3)) {
                    case 0 -> new IllegalStateException("broken");
                    case 1 -> new StackOverflowError("broken");
                    default -> new NoClassDefFoundError("broken");
                };
        met("broken: " + where + ", " + broken.getClass().getSimpleName());
        return broken;
    }

    static void met(String what) {
        MET.merge(what, 1, Integer::sum);
    }

    boolean chance(int of) {
        return enabled && random.nextInt(of) == 0;
    }
}
