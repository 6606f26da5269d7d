package dev.perdure.faults.ledger;

/**
 * A statement that writes its row and then fails: the row must never be seen.
 *
 * @param name unique in its workflow
 */
record FailingStep(String name) implements Leaf {

    @Override
    public String dsl() {
        return "'WITH e AS (INSERT INTO app.effects (instance, step) VALUES (''{sys_instance_id}'', ''" + name
                + "'') RETURNING 1) SELECT 1 / (count(*) - 1) FROM e'";
    }

    @Override
    public boolean fails() {
        return true;
    }

    @Override
    public void check(Extent extent, int times, Effects effects, Findings findings) {
        Once.never(name, effects.of(name), findings);
    }
}
