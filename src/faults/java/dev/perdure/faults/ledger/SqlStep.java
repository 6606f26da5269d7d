package dev.perdure.faults.ledger;

import java.util.List;
import java.util.Locale;

/**
 * A statement that leaves one row, in one transaction with its checkpoint.
 *
 * @param name unique in its workflow
 * @param seconds how long it takes
 */
record SqlStep(String name, double seconds) implements Shape {

    @Override
    public String dsl() {
        return String.format(
                Locale.ROOT,
                "'INSERT INTO app.effects (instance, step) SELECT ''{sys_instance_id}'', ''%s'' FROM pg_sleep(%.3f)'",
                name,
                seconds);
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
