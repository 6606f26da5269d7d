package dev.perdure.faults.ledger;

/**
 * Two statements, of which the second has the result of the first and the instance bound to it: what a take-over restores of
 * parameters is seen in the ledger.
 *
 * @param name unique in its workflow
 */
record BoundStep(String name) implements Leaf {

    @Override
    public String dsl() {
        return "('SELECT ''" + name + "'' AS step, pg_sleep(0.005)' |=> 'r_" + name
                + "' ~> df.sql('INSERT INTO app.effects (instance, step) VALUES ($1, $2)', '{sys_instance_id}', '$r_" + name
                + ".step'))";
    }
}
