package dev.perdure.faults.ledger;

import java.util.List;

/**
 * A loop whose rounds all fail but the last one, and which goes on at once. A crash may neither take a failed round for the last, nor run one
 * again whose first step has left its row.
 *
 * @param counter the first step of a round, unique in its workflow
 * @param name of the step that fails, unique in its workflow
 * @param rounds how many there are
 */
record StubbornLoop(String counter, String name, int rounds) implements Shape {

    private String counted(String comparison) {
        return "count(*) " + comparison + " " + rounds + "%s FROM app.effects WHERE instance = ''{sys_instance_id}'' AND step = ''" + counter
                + "''";
    }

    @Override
    public String dsl() {
        return "df.loop(" + new SqlStep(counter, 0).dsl() + " ~> 'WITH e AS (INSERT INTO app.effects (instance, step) VALUES"
                + " (''{sys_instance_id}'', ''" + name + "'') RETURNING 1) SELECT 1 / (SELECT (" + counted(">=").formatted(")::int")
                + ") FROM e', 'SELECT " + counted("<").formatted("") + "', continue_on_failure => true, every => '0')";
    }

    @Override
    public void check(Extent extent, int times, Effects effects, Findings findings) {
        Once.check(counter, extent, times * rounds, effects, findings);
        Once.check(name, extent, times, effects, findings);
    }

    @Override
    public boolean began(Effects effects) {
        return effects.of(counter) > 0;
    }
}
