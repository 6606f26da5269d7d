package dev.perdure.faults.ledger;

/**
 * A statement whose transaction stays in COMMIT: a deferred trigger defers itself again, as often as it is told to.
 *
 * @param name unique in its workflow
 * @param naps how often, 0.2 s each
 */
record SlowCommitStep(String name, int naps) implements Leaf {

    @Override
    public String dsl() {
        return "'WITH late AS (INSERT INTO app.late VALUES (" + naps
                + ")) INSERT INTO app.effects (instance, step) VALUES (''{sys_instance_id}'', ''" + name + "'')'";
    }
}
