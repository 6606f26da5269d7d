package dev.perdure.faults.ledger;

import java.util.List;

/**
 * A step under {@code df.retry} that fails two times of three, after it has written: what a failed attempt wrote must never
 * be seen.
 *
 * @param name unique in its workflow
 */
record FlakyStep(String name) implements Shape {

    @Override
    public String dsl() {
        return "df.retry('INSERT INTO app.effects (instance, step) VALUES (''{sys_instance_id}'', ''" + name
                + "'') RETURNING app.with_luck()', max_attempts => NULL, initial_delay => interval '20 milliseconds',"
                + " max_delay => interval '100 milliseconds')";
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
