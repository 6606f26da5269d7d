package dev.perdure.faults.ledger;

/**
 * A procedure that commits by itself, so that its step runs outside a transaction: at least once, and marked.
 *
 * @param name unique in its workflow
 */
record AutocommitStep(String name) implements Leaf {

    @Override
    public String dsl() {
        return "'CALL app.record_outside(''{sys_instance_id}'', ''" + name + "'')'";
    }

    @Override
    public void check(Extent extent, int times, Effects effects, Findings findings) {
        int count = effects.of(name);
        if (extent == Extent.NEVER) {
            Once.never(name, count, findings);
        } else if (extent == Extent.DONE && count < times) {
            findings.add(Violation.Kind.MISSING, name + " took effect " + count + " of " + times + " times");
        }
    }
}
