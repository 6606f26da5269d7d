package dev.perdure.faults.ledger;

import java.util.List;

/**
 * A wait for a signal, which the starter sends, and a step behind it. It times out, so that a starter whose connection
 * breaks leaves nothing that waits for ever.
 *
 * @param name of the step, unique in its workflow, and of the signal
 */
record SignalledStep(String name) implements Shape {

    @Override
    public String dsl() {
        return "(df.wait_for_signal('" + name + "', 15) ~> " + new SqlStep(name, 0).dsl() + ")";
    }

    @Override
    public boolean fails() {
        return false;
    }

    @Override
    public int width() {
        return 1;
    }

    @Override
    public List<Shape> parts() {
        return List.of();
    }

    @Override
    public void check(Extent extent, int times, Effects effects, Findings findings) {
        Once.check(name, extent, times, effects, findings);
    }

    @Override
    public boolean began(Effects effects) {
        return effects.of(name) > 0;
    }
}
