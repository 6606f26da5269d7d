package dev.perdure.faults.ledger;

import java.util.List;

/**
 * Two statements, of which the second uses the result of the first by its name: what a take-over restores of results is
 * seen in the ledger.
 *
 * @param name unique in its workflow
 */
record NamedStep(String name) implements Shape {

    @Override
    public String dsl() {
        return "('SELECT ''" + name + "'' AS step, pg_sleep(0.005)' |=> 'r_" + name
                + "' ~> 'INSERT INTO app.effects (instance, step) SELECT ''{sys_instance_id}'', $r_" + name + ".step')";
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
