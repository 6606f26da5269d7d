package dev.perdure.faults.ledger;

/**
 * Two statements, of which the second uses the result of the first by its name: what a take-over restores of results is
 * seen in the ledger.
 *
 * @param name unique in its workflow
 */
record NamedStep(String name) implements Leaf {

    @Override
    public String dsl() {
        return "('SELECT ''" + name + "'' AS step, pg_sleep(0.005)' |=> 'r_" + name
                + "' ~> 'INSERT INTO app.effects (instance, step) SELECT ''{sys_instance_id}'', $r_" + name + ".step')";
    }
}
