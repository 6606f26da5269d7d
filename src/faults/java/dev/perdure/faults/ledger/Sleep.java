package dev.perdure.faults.ledger;

import java.util.List;

/**
 * A timer, which leaves nothing.
 *
 * @param seconds how long
 */
record Sleep(int seconds) implements Shape {

    @Override
    public String dsl() {
        return "df.sleep(" + seconds + ")";
    }

    @Override
    public int width() {
        return 0;
    }

    @Override
    public void check(Extent extent, int times, Effects effects, Findings findings) {}

    @Override
    public boolean began(Effects effects) {
        return false;
    }
}
