package dev.perdure.faults.ledger;

import java.util.List;

/**
 * A loop that counts its rounds in the ledger. Its body does not fail and has no loop.
 *
 * @param counter a step of its own, which is counted
 */
record Loop(String counter, Shape body, int rounds) implements Shape {

    @Override
    public String dsl() {
        return "df.loop(" + new SqlStep(counter, 0).dsl() + " ~> " + body.dsl()
                + ", 'SELECT count(*) < " + rounds
                + " FROM app.effects WHERE instance = ''{sys_instance_id}'' AND step = ''" + counter + "''')";
    }

    @Override
    public int width() {
        return Math.max(1, body.width());
    }

    @Override
    public List<Shape> parts() {
        return List.of(body);
    }

    @Override
    public void check(Extent extent, int times, Effects effects, Findings findings) {
        Once.check(counter, extent, times * rounds, effects, findings);
        body.check(extent, times * rounds, effects, findings);
    }

    @Override
    public boolean began(Effects effects) {
        return effects.of(counter) > 0;
    }
}
