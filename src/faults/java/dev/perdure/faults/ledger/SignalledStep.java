package dev.perdure.faults.ledger;

/**
 * A wait for a signal, which the starter sends, and a step behind it. It times out, so that a starter whose connection
 * breaks leaves nothing that waits for ever.
 *
 * @param name of the step, unique in its workflow, and of the signal
 */
record SignalledStep(String name) implements Leaf {

    @Override
    public String dsl() {
        return "(df.wait_for_signal('" + name + "', 15) ~> " + new SqlStep(name, 0).dsl() + ")";
    }
}
