package dev.perdure.engine.map;

/**
 * The number of items that share a transaction. One that fails takes the others down with it, and all of them run once more:
 * so after each failure they are few for longer. Guarded by its map.
 */
final class CompanionLimit {

    private static final int MOST = 15;
    private static final int LONGEST_PATIENCE = 256;

    private int most = MOST;
    private int patience = 1;
    private int well;

    /** So many may join one. */
    int most() {
        return most;
    }

    void wentWell() {
        well++;
        if (most < MOST && well >= patience) {
            most = Math.min(MOST, 1 + 2 * most);
            well = 0;
        }
    }

    void failed() {
        most /= 4;
        well = 0;
        patience = Math.min(LONGEST_PATIENCE, 2 * patience);
    }

    /** One was worked on by itself, and ended well. */
    void aloneWell() {
        if (most == 0) {
            wentWell();
        }
    }
}
